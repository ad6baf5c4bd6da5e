import { randomUUID, generateKeyPairSync } from 'node:crypto';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../flags/errors.ts';
import { isKillSwitchError, messageOf, printable } from '../../flags/index.ts';
import { removeIfThere } from '../../store/left-behind.ts';
import { headSigner } from '../head-signature.ts';
import { readRegular } from '../read-regular.ts';
import { CommandError } from './command-error.ts';
import type { Context } from './command.ts';

const LARGEST_KEY = 64 * 1024;

/**
 * The text of the private key that signs: that of the named file; else this user's own, which is made where there is
 * none.
 * @throws CommandError FILE_UNREADABLE, without any of the key
 */
export async function signingKey(context: Pick<Context, 'note' | 'settings'>, named?: string): Promise<string> {
  const { note } = context;
  const file = named ?? join(context.settings, 'log-signing-key.pem');
  if (named === undefined && (await makeKey(file)))
    note(
      `A key that signs was made: ${file}. Its fingerprint is ${await fingerprintIn(file)}. Write that down where others can look it up, apart from what is signed.`,
    );
  const { text, mode } = await readKey(file);
  try {
    headSigner(text);
  } catch (error) {
    if (!isKillSwitchError(error)) throw error;
    throw new CommandError('FILE_UNREADABLE', `${printable(file)}: ${error.message}`);
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    note(`Warning: others may read or write ${file}, and so sign in your place: chmod 600 ${file}, and a new key.`);
  return text;
}

const fingerprintIn = async (file: string): Promise<string> => headSigner((await readKey(file)).text).fingerprint;

async function readKey(file: string): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    const { bytes, stats } = await readRegular(file, LARGEST_KEY);
    return { text: bytes.toString('utf8'), mode: stats.mode };
  } catch (error) {
    throw new CommandError('FILE_UNREADABLE', `The key ${printable(file)} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Makes a key where there is none: whole, or not at all. False where there is one. */
async function makeKey(file: string): Promise<boolean> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      flag: 'wx',
      mode: 0o600,
      flush: true,
    });
    await link(temporary, file); // fails where another process has just made one
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw new CommandError('FILE_UNREADABLE', `No key could be made in ${printable(file)}: ${messageOf(error)}.`, {
      cause: error,
    });
  } finally {
    removeIfThere(temporary);
  }
}
