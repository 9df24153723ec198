// Verifies the hashes that an import takes over from .NET applications.

import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

const BLOCKS = { sha256: 64, sha512: 128 };

/** Whether the password matches an imported hash. Throws for an unknown format. */
export function isImportedRight(stored, password) {
  const [, scheme, ...parts] = stored.split('$');
  const [first, second] = parts.map((part) => Buffer.from(part, 'base64'));
  const [computed, expected] = scheme === 'aspnet-identity' ? identity(first, password) : [salted(scheme, first, password), second];
  return computed.length === expected.length && timingSafeEqual(computed, expected);
}

function salted(scheme, salt, password) {
  if (scheme === 'servicestack-sha256') return createHash('sha256').update(password, 'utf8').update(salt).digest();
  const [, hmac, algorithm] = scheme.match(/^aspnet-membership-(hmac)?(sha1|sha256|sha512)$/) ?? [];
  if (!algorithm) throw new Error('unknown format of a hash');
  const utf16 = Buffer.from(password, 'utf16le');
  if (!hmac) return createHash(algorithm).update(salt).update(utf16).digest();
  const key = Buffer.alloc(BLOCKS[algorithm], salt); // the salt, repeated
  return createHmac(algorithm, key).update(utf16).digest();
}

/** The computed and the expected hash, for ASP.NET Identity 2 (first byte 0) and Core (1). */
function identity(data, password) {
  let [algorithm, iterations, salt, expected] = [0, 1000, data.subarray(1, 17), data.subarray(17)];
  if (data[0] === 1) {
    [algorithm, iterations] = [data.readUInt32BE(1), data.readUInt32BE(5)];
    const end = 13 + data.readUInt32BE(9);
    [salt, expected] = [data.subarray(13, end), data.subarray(end)];
  }
  const name = ['sha1', 'sha256', 'sha512'][algorithm];
  return [pbkdf2Sync(password, salt, iterations, expected.length, name), expected];
}
