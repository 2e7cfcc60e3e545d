/** What may befall a database, as statements. */

/** Ends the connections of a store at the server, as a fail-over does. */
export const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'impact-session'`;

/** Whoever commits events is cut off while it does. */
export const DIE_AT_COMMIT = `
  CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
  CREATE CONSTRAINT TRIGGER die AFTER INSERT ON session_events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()`;
