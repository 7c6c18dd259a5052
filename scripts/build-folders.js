/**
 * Where builds are put, so that nobody meets half of one, none is taken from under a process that runs from it, and builds that run at
 * the same time do not meet at all: each is made in a folder of its own, and then put in place by renaming.
 *
 *   .out/app → app-3f9c0d21b7e4      a link, replaced as a whole. A process follows it once, when it starts, and stays where it led
 *   .out/app-3f9c0d21b7e4/           a version, called by the hash of its content and never changed again
 *   .out/app-3f9c0d21b7e4/in-use/    a file for each process that loads from it still (src/hosts/local/built-app.ts)
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { renameSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Of what a build that was killed has left, and of a version that somebody may be about to start from. */
const LEFT_ALONE_MS = 60_000;
const ABANDONED_MS = 3_600_000;

/** Makes a folder by `make(folder)` and puts it at `place` whole, in the place of what was there. */
export async function buildFolder(place, make) {
  const made = await madeAside(place, make);
  try {
    putAt(place, made);
  } finally {
    rmSync(dirname(made), { recursive: true, force: true });
  }
}

/** The same for a folder that processes run from. `place` leads to the version, which is answered; others that are needed stay beside it. */
export async function buildVersion(place, make) {
  const made = await madeAside(place, make);
  try {
    mkdirSync(join(made, 'in-use'));
    // Who runs the service need not be who built it.
    chmodSync(join(made, 'in-use'), 0o1777);
    const version = `${place}-${hashOf(made)}`;
    do {
      // Where the same was made before, that one stays, and its time says that it is wanted again.
      tried(() => renameSync(made, version), 'ENOTEMPTY', 'EEXIST');
      tried(() => utimesSync(version, new Date(), new Date()), 'ENOENT');
      pointTo(place, version);
    } while (!existsSync(version));
    removeUnneeded(place);
    return version;
  } finally {
    rmSync(dirname(made), { recursive: true, force: true });
  }
}

/** In a folder beside the place, where a rename is one step. What other builds have left there is removed once it is old. */
async function madeAside(place, make) {
  const around = dirname(place);
  mkdirSync(around, { recursive: true });
  for (const name of readdirSync(around)) {
    const left = join(around, name);
    if (name.startsWith('making-') && ageMs(left) > ABANDONED_MS) rmSync(left, { recursive: true, force: true });
  }
  const made = join(mkdtempSync(join(around, 'making-')), basename(place));
  try {
    await make(made);
  } catch (error) {
    rmSync(dirname(made), { recursive: true, force: true });
    throw error;
  }
  return made;
}

function putAt(place, made) {
  while (existsSync(made)) {
    takenAway(place, join(dirname(made), 'before'));
    // Another build may have been faster, and is replaced.
    tried(() => renameSync(made, place), 'ENOTEMPTY', 'EEXIST');
  }
}

function takenAway(place, to) {
  rmSync(to, { recursive: true, force: true });
  tried(() => renameSync(place, to), 'ENOENT');
}

function pointTo(place, version) {
  const link = `${version}.${process.pid}`;
  rmSync(link, { force: true });
  symlinkSync(basename(version), link, 'dir');
  // A folder stands there where an earlier release was built.
  if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) rmSync(place, { recursive: true, force: true });
  renameSync(link, place);
}

function linkedFrom(place) {
  const isLink = lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink();
  return isLink ? join(dirname(place), readlinkSync(place)) : undefined;
}

/** Stays: what the place leads to, the one before it, what a process has said it runs from, and what is too new to have been asked. */
function removeUnneeded(place) {
  const versions = readdirSync(dirname(place))
    .filter((name) => name.startsWith(`${basename(place)}-`) && /-[0-9a-f]{12}$/.test(name))
    .map((name) => join(dirname(place), name))
    .toSorted((a, b) => ageMs(a) - ageMs(b));
  const [before] = versions.filter((version) => version !== linkedFrom(place));
  for (const version of versions) {
    if (version === linkedFrom(place) || version === before || ageMs(version) < LEFT_ALONE_MS || isInUse(version)) continue;
    const away = `${version}.${process.pid}.removed`;
    takenAway(version, away);
    // Of two builds, the other may just have come back to this version.
    if (linkedFrom(place) === version) tried(() => renameSync(away, version), 'ENOENT', 'ENOTEMPTY', 'EEXIST');
    rmSync(away, { recursive: true, force: true });
  }
}

function isInUse(version) {
  return tried(() => readdirSync(join(version, 'in-use')), 'ENOENT')?.some(isAlive) ?? false;
}

function isAlive(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function hashOf(folder) {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(pathOf)
    .toSorted()) {
    hash.update(file.slice(folder.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

const pathOf = ({ parentPath, name }) => join(parentPath, name);
const ageMs = (path) => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);

/** Undefined where it fails as foreseen. */
function tried(action, ...foreseen) {
  try {
    return action();
  } catch (error) {
    if (!foreseen.includes(error.code)) throw error;
    return undefined;
  }
}
