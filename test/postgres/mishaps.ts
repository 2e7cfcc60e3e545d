/** What may befall a database, as statements. */

/** Ends the connections of a store at the server, as a fail-over does. */
export const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'impact-session'`;

/** Of the sessions that are added from now on, so many do not find their partition, as on a connection that has not seen it yet. */
export const FIND_NO_PARTITION = (times: number) => `
  CREATE SEQUENCE tries;
  CREATE FUNCTION find_none() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
    IF nextval(''tries'') <= ${times} THEN
      RAISE check_violation USING MESSAGE = ''no partition of relation "sessions" found for row'';
    END IF; RETURN NEW; END';
  CREATE TRIGGER find_none BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION find_none()`;

/** Whoever commits events is cut off while it does. */
export const DIE_AT_COMMIT = `
  CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
  CREATE CONSTRAINT TRIGGER die AFTER INSERT ON session_events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()`;
