/**
 * Query strings, read in the same way by both HTTP adapters.
 */

import { type ParsedUrlQuery, parse } from 'node:querystring';

/** Every parameter: by default Node passes over those beyond the thousandth. How long they are, Node's limit of a head bounds. */
export function parseQuery(text: string): ParsedUrlQuery {
  return parse(text, '&', '=', { maxKeys: 0 });
}
