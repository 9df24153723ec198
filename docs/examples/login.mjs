// Logs a user in with the Users table. Needs @aws-sdk/client-dynamodb, @aws-sdk/lib-dynamodb and
// @node-rs/argon2.
//
//     USERS_TABLE=Users node login.mjs jdoe
//
// Reads the password from standard input. If it must be changed, the next line is the new one.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { hash, verify } from '@node-rs/argon2';
import { isImportedRight } from './imported.mjs';

const TableName = process.env.USERS_TABLE;
const DUAL = process.env.RESET_MODE === 'dual'; // set it to the value that the services use
const COST = { memoryCost: 19456, timeCost: 2, parallelism: 1 }; // Argon2MemoryKib and Argon2Iterations of the stack
const CURRENT = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$`;
const NOBODY = '\0'; // a key that no account has

const users = DynamoDBDocumentClient.from(new DynamoDBClient());
const dummy = await hash(randomUUID(), COST);

/** The user name in its normal form. */
export function key(name) {
  if (name.length > 2048) return NOBODY;
  for (let before; name !== before; ) {
    before = name;
    name = trim(trim(name).normalize('NFKC').toLowerCase());
  }
  const length = Buffer.byteLength(name);
  return length >= 1 && length <= 256 && !/\p{Cc}/u.test(name) ? name : NOBODY;
}

// Not String.prototype.trim, which also removes U+FEFF, but not U+0085.
function trim(name) {
  return name.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
}

/** Computes one Argon2id hash, whether or not there is an account. */
async function isRight(stored, password) {
  const isArgon2 = stored?.startsWith('$argon2') ?? false;
  const matches = await verify(isArgon2 ? stored : dummy, password);
  return stored && !isArgon2 ? isImportedRight(stored, password) : isArgon2 && matches;
}

export async function login(name, password, now) {
  const username = key(name);
  const { Item: user = {} } = await users.send(new GetCommand({
    TableName,
    Key: { username },
    ConsistentRead: true,
    // Without `id`, which may be too large for a JavaScript number.
    ProjectionExpression: 'password_hash, password_expires_at, must_change_password, disabled, #temporary',
    ExpressionAttributeNames: { '#temporary': 'temporary' },
  }));
  let { password_hash: stored, password_expires_at: expiresAt, temporary } = user;
  if (await isRight(stored, password)) {
    temporary = undefined;
  } else if ((temporary || DUAL) && (await isRight(temporary?.hash, password))) {
    ({ hash: stored, expires_at: expiresAt } = temporary);
  } else {
    return { outcome: 'wrong' };
  }
  if (user.disabled) return { outcome: 'wrong' };
  if (expiresAt !== undefined && expiresAt <= now) return { outcome: 'expired' };
  if (temporary) await useTemporary(username, temporary, now);
  if (temporary || user.must_change_password) return { outcome: 'must change', username, passwordHash: stored };
  if (!stored.startsWith(CURRENT)) stored = await rehash(username, stored, await hash(password, COST));
  return { outcome: 'valid', username, passwordHash: stored };
}

/** Fails with ConditionalCheckFailedException if another login or change came first. */
async function useTemporary(username, temporary, now) {
  await users.send(new UpdateCommand({
    TableName,
    Key: { username },
    UpdateExpression: `SET password_hash = :hash, password_changed_at = :now, sessions_valid_after = :now,
      must_change_password = :true, password_expires_at = :end ADD version :one REMOVE #temporary`,
    ConditionExpression: '#temporary.#hash = :hash',
    ExpressionAttributeNames: { '#temporary': 'temporary', '#hash': 'hash' },
    ExpressionAttributeValues: {
      ':hash': temporary.hash, ':end': temporary.expires_at, ':now': now, ':true': true, ':one': 1,
    },
  }));
}

/** Fails with ConditionalCheckFailedException if another change came first. */
export async function changePassword(username, oldHash, password, now) {
  await users.send(new UpdateCommand({
    TableName,
    Key: { username },
    UpdateExpression: `SET password_hash = :new, password_changed_at = :now, sessions_valid_after = :now,
      reset_superseded = :true ADD version :one REMOVE #temporary, must_change_password, password_expires_at`,
    ConditionExpression: 'password_hash = :old',
    ExpressionAttributeNames: { '#temporary': 'temporary' },
    ExpressionAttributeValues: {
      ':new': await hash(password, COST), ':old': oldHash, ':now': now, ':true': true, ':one': 1,
    },
  }));
}

/** Replaces the hash and returns the new one. If the password was changed meanwhile, returns the old one, so that a later change conditional on that hash fails. */
async function rehash(username, oldHash, newHash) {
  try {
    await users.send(new UpdateCommand({
      TableName,
      Key: { username },
      UpdateExpression: 'SET password_hash = :new',
      ConditionExpression: 'password_hash = :old',
      ExpressionAttributeValues: { ':old': oldHash, ':new': newHash },
    }));
    return newHash;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return oldHash;
    throw error;
  }
}

const [password, newPassword] = readFileSync(0, 'utf8').split('\n');
const now = Math.floor(Date.now() / 1000);
const found = await login(process.argv[2], password, now);
if (found.outcome === 'must change' && newPassword) {
  await changePassword(found.username, found.passwordHash, newPassword, now);
  console.log('changed');
} else {
  console.log(found.outcome);
}
