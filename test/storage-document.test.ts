/**
 * The worked example of docs/STORAGE.md is true: the code writes these bytes from these inputs, reads them, and shows
 * them as that view; and the verifier printed there accepts them and refuses what is altered. Who writes a second
 * reader has nothing but that document. The verifier needs python3.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { genesisHash, type LogPosition, readLog, sealEvents } from '../src/session/domain/event-log.js';
import { fold } from '../src/session/domain/session.js';
import type { EventDraft } from '../src/session/domain/session-event.js';
import { renderView } from '../src/session/store/file/view-writer.js';

interface Inputs {
  readonly store_id: string;
  readonly sid: string;
  readonly commands: readonly {
    readonly at: string;
    readonly actor: string | null;
    readonly events: readonly EventDraft[];
  }[];
}

const text = readFileSync(join(process.cwd(), 'docs/STORAGE.md'), 'utf8');

/** The code block that the document calls by this name, to the byte. */
function block(name: string): string {
  const blocks = [...text.matchAll(/^```\w+ name=(\S+)\n([\s\S]*?)^```$/gm)];
  const found = blocks.filter(([, called]) => called === name);
  if (found.length !== 1)
    throw new Error(`docs/STORAGE.md has ${found.length} blocks called ${name}, not one`);
  return found[0]?.[2] as string;
}

const { store_id: storeId, sid, commands } = JSON.parse(block('inputs.json')) as Inputs;
const log = Buffer.from(block('events.jsonl'));
const lines = block('events.jsonl').split(/(?<=\n)/);

/** The log that the code writes for the inputs. */
function written(): Buffer {
  const genesis = { sid, revision: 0, head: genesisHash(storeId, sid), updatedAt: '' };
  const chunks: Buffer[] = [];
  commands.reduce<LogPosition>((position, command) => {
    const sealed = sealEvents(position, { ...command, at: new Date(command.at) });
    chunks.push(sealed.lines);
    const last = sealed.events.at(-1)!;
    return { sid, revision: last.seq + 1, head: last.hash, updatedAt: last.at };
  }, genesis);
  return Buffer.concat(chunks);
}

function flipped(bytes: Buffer, offset: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
  return copy;
}

describe('The worked example of docs/STORAGE.md', () => {
  test('is what the code writes for its inputs', () => {
    expect(written().toString()).toBe(log.toString());
    expect(text).toContain(`which is \`${genesisHash(storeId, sid)}\``);
    expect(text).toContain(`: ${log.length} bytes, three lines`);
    expect(text).toContain(`\nsession-genesis/1\n${storeId}\n${sid}\n`);
    expect(text).toContain(`\nsession-event/1\n${lines[0]!.slice(0, -76)}}\n`);
  });

  test('is a log that the code accepts, whose view is the one shown', () => {
    const { rest, length, events } = readLog(log, storeId, sid);
    expect({ rest, length, events: events.length }).toEqual({
      rest: undefined,
      length: log.length,
      events: 3,
    });
    expect(renderView(fold(undefined, events)!)).toBe(block('session_metadata.json'));
  });

  test('is no longer accepted when any one byte of it is another', () => {
    const accepted = [...log.keys()].filter((offset) => !readLog(flipped(log, offset), storeId, sid).rest);
    expect(accepted).toEqual([]);
  });

  test('is cut back to the command before when its last line is missing', () => {
    const { length, rest } = readLog(Buffer.from(lines.slice(0, 2).join('')), storeId, sid);
    expect({ length, torn: rest?.torn }).toEqual({ length: Buffer.byteLength(lines[0]!), torn: true });
  });
});

describe('The verifier of docs/STORAGE.md', () => {
  let data: string;

  beforeAll(() => {
    data = mkdtempSync(join(tmpdir(), 'storage-document-'));
    mkdirSync(join(data, '.store'));
    writeFileSync(join(data, '.store/format.json'), JSON.stringify({ format: 1, store_id: storeId }));
    mkdirSync(join(data, '2024-01-15', sid), { recursive: true });
    writeFileSync(join(data, 'verify.py'), block('verify.py'));
  });
  afterAll(() => rmSync(data, { recursive: true, force: true }));

  /** What the verifier says of a log in that place, on stdout and on stderr. */
  function verdict(bytes: Buffer): { code: number | null; stdout: string; stderr: string } {
    const path = join(data, '2024-01-15', sid, 'events.jsonl');
    writeFileSync(path, bytes);
    const run = spawnSync('python3', [join(data, 'verify.py'), path], { encoding: 'utf8' });
    if (run.error) {
      throw new Error('python3 did not start: install it (Debian: apt-get install python3)', {
        cause: run.error,
      });
    }
    return { code: run.status, stdout: run.stdout, stderr: run.stderr };
  }

  test('says that the example verifies', () => {
    const head = readLog(log, storeId, sid).events.at(-1)!.hash;
    expect(verdict(log)).toEqual({ code: 0, stdout: `3 events verify; head ${head}\n`, stderr: '' });
  });

  test.each([0, 1, 2])('refuses the example with one byte of event %i flipped', (seq) => {
    const before = Buffer.byteLength(lines.slice(0, seq).join(''));
    const altered = flipped(log, before + Math.floor(lines[seq]!.length / 2));
    expect(verdict(altered)).toEqual({
      code: 1,
      stdout: '',
      stderr: `event ${seq} does not verify: hash\n`,
    });
  });

  test('refuses a log without its first line, and one that ends inside a line or a command', () => {
    expect(verdict(Buffer.from(lines.slice(1).join(''))).stderr).toBe('event 0 does not verify: link\n');
    const torn = 'the log ends inside a line or a command\n';
    expect(verdict(Buffer.from(lines.slice(0, 2).join(''))).stderr).toBe(torn);
    expect(verdict(log.subarray(0, -1)).stderr).toBe(torn);
  });
});
