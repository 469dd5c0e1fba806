/** API keys: bearer tokens, known only by their SHA-256. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Longest header looked at; a key is far shorter. */
const MAX_HEADER = 4096;

/**
 * Makes the check of an `authorization` header. Every configured hash is compared, in constant
 * time, whatever the outcome: the time taken says nothing about the keys.
 * @param hashes hex SHA-256 of the accepted keys
 */
export function createAuthenticator(
  hashes: readonly string[],
): (authorization: string | undefined) => boolean {
  const accepted = hashes.map((hash) => Buffer.from(hash, 'hex'));
  return (authorization) => {
    const token = bearerToken(authorization);
    if (token === null) return false;
    const digest = createHash('sha256').update(token).digest();
    let found = false;
    for (const hash of accepted) found = timingSafeEqual(hash, digest) || found;
    return found;
  };
}

function bearerToken(header: string | undefined): string | null {
  if (header === undefined || header.length > MAX_HEADER) return null;
  return /^bearer +([\w\-.~+/]+=*)$/iu.exec(header)?.[1] ?? null;
}
