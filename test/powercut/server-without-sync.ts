/**
 * The server on a disk that never syncs: what it acknowledges a power cut takes away. The test of the power cut is tried
 * on it, because a test that cannot fail shows nothing.
 */

import { open } from 'node:fs/promises';

const file = await open(process.execPath);
const { prototype } = file.constructor as { prototype: { sync: unknown; datasync: unknown } };
await file.close();
prototype.sync = async () => undefined;
prototype.datasync = async () => undefined;
await import('../../src/main.js');
