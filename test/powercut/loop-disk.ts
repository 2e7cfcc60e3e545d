/**
 * A file system of its own in a file, on a loop device, whose power can be cut: `xfs_io -c shutdown` stops all its
 * writing at once and leaves its journal as far as it was written. What is mounted again is what such a cut leaves.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const FILESYSTEMS = ['ext4', 'xfs'] as const;
export type Filesystem = (typeof FILESYSTEMS)[number];

/** mkfs.xfs makes nothing smaller than 300 MB. The file is sparse. */
const IMAGE_BYTES = 400 * 1024 * 1024;
/** Programs, and the Debian packages that they come with. */
const PROGRAMS = { mount: 'mount', umount: 'mount', losetup: 'mount', xfs_io: 'xfsprogs' };
const MAKERS = { ext4: ['mkfs.ext4', 'e2fsprogs'], xfs: ['mkfs.xfs', 'xfsprogs'] } as const;

/** Whether this machine can make such a file system. */
export function canMake(filesystem: Filesystem): boolean {
  return isProgram(MAKERS[filesystem][0]);
}

/** What this machine lacks for disks of these file systems, and how to get it: a line each. */
export function missingFor(filesystems: readonly Filesystem[]): string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0)
    missing.push('root: only root may mount; run it with sudo, or as root in a container');
  if (!existsSync('/dev/loop-control'))
    missing.push('loop devices: modprobe loop; in a container: docker run --privileged -v /dev:/dev');
  const programs: (readonly [string, string])[] = [
    ...Object.entries(PROGRAMS),
    ...filesystems.map((filesystem) => MAKERS[filesystem]),
  ];
  for (const [program, debianPackage] of programs)
    if (!isProgram(program)) missing.push(`${program}: apt-get install ${debianPackage}`);
  return missing;
}

function isProgram(name: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.some((folder) => existsSync(join(folder, name)));
}

export class LoopDisk {
  /** Where it is mounted. */
  readonly mountPoint: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'impact-session-power-cut-'));
  #device: string | undefined;
  #mounted = false;

  constructor(private readonly filesystem: Filesystem) {
    this.mountPoint = join(this.#folder, 'disk');
    mkdirSync(this.mountPoint);
    try {
      const image = join(this.#folder, 'image');
      const file = openSync(image, 'wx');
      ftruncateSync(file, IMAGE_BYTES);
      closeSync(file);
      call(MAKERS[filesystem][0], '-q', image);
      this.#device = call('losetup', '--find', '--show', image).trim();
      this.mount();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Mounts it; after a cut, the file system first plays its journal back. */
  mount(): void {
    call('mount', '-t', this.filesystem, this.#device as string, this.mountPoint);
    this.#mounted = true;
  }

  /** Without -f: what the journal has not written is gone. */
  cutPower(): void {
    call('xfs_io', '-x', '-c', 'shutdown', this.mountPoint);
  }

  /** Nobody may have a file open on it. */
  unmount(): void {
    call('umount', this.mountPoint);
    this.#mounted = false;
  }

  /** Leaves nothing behind, whatever state it is in. */
  remove(): void {
    if (this.#mounted) quietly(() => call('umount', '--lazy', this.mountPoint));
    this.#mounted = false;
    const device = this.#device;
    if (device) quietly(() => call('losetup', '--detach', device));
    this.#device = undefined;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** @throws with what the program wrote */
function call(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function quietly(attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    process.stderr.write(`test:powercut: ${(error as Error).message}\n`);
  }
}
