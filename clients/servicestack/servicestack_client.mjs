// @servicestack/client's JsonServiceClient. Argument: the base URL of the server.

import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';

const require = createRequire(new URL('../../target/clients/', import.meta.url));
const { JsonServiceClient } = require('@servicestack/client');

const ADMIN = ['admin', 'p@55wOrd'];
const SUCCESS = { Id: 42, DisplayName: 'Jane Doe', ResetEmailSent: true };

class UpdateUserRegistrationPasswordRequest {
  Email = 'a@example.com';
  NewPassword = 'harbor-Lantern-5821';
  SendResetEmail = true;
  Requester = 'portal';

  constructor(members) {
    Object.assign(this, members);
  }

  getTypeName() {
    return 'UpdateUserRegistrationPasswordRequest';
  }

  getMethod() {
    return 'POST';
  }

  createResponse() {
    return {};
  }
}

// ServiceStack's own DTO, which the package also contains under this name.
class Authenticate {
  constructor(members) {
    Object.assign(this, members);
  }

  getTypeName() {
    return 'Authenticate';
  }

  getMethod() {
    return 'POST';
  }

  createResponse() {
    return {};
  }
}

const LOGIN = { provider: 'credentials', userName: 'admin', password: 'p@55wOrd' };

// Node has no cookie jar, so the session is sent in ServiceStack's header.
async function sessionOf(client, members) {
  const { SessionId: id, UserName, DisplayName } = await client.post(new Authenticate({ ...LOGIN, ...members }));
  equal({ UserName, DisplayName }, { UserName: 'admin', DisplayName: 'Portal Admin' });
  client.headers.set(members?.rememberMe ? 'X-ss-pid' : 'X-ss-id', id);
  if (members?.rememberMe) {
    client.headers.set('X-ss-opt', 'perm');
  }
}

function clientOf(credential) {
  const client = new JsonServiceClient(process.argv[2]);
  if (credential) {
    client.setCredentials(...credential);
  }
  return client;
}

async function check(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${name}: ${error.message ?? JSON.stringify(error)}`);
  }
}

function equal(actual, expected) {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}

// The client's representation of an error, with the HTTP status, which only its filter sees.
async function refusal(credential, members) {
  const client = clientOf(credential);
  let status;
  client.exceptionFilter = (response) => {
    status = response?.status;
  };
  const answer = await client.post(new UpdateUserRegistrationPasswordRequest(members)).catch((error) => error);
  if (!answer.responseStatus) {
    throw new Error(`${answer.message ?? JSON.stringify(answer)} instead of an error`);
  }
  const { errorCode, message, errors } = answer.responseStatus;
  return { status, errorCode, message, fields: (errors ?? []).map((entry) => entry.fieldName) };
}

await check('success', async () => {
  equal(await clientOf(ADMIN).post(new UpdateUserRegistrationPasswordRequest()), SUCCESS);
});
await check('success through /json/reply, where older clients post', async () => {
  const client = clientOf(ADMIN);
  client.basePath = '';
  equal(await client.post(new UpdateUserRegistrationPasswordRequest()), SUCCESS);
});
await check('success through the route', async () => {
  const request = new UpdateUserRegistrationPasswordRequest();
  equal(await clientOf(ADMIN).postToUrl('/UpdateUserRegistrationPassword', request), SUCCESS);
});
for (const basePath of ['/api', '']) {
  await check(`session${basePath && ` through ${basePath}`}`, async () => {
    const client = clientOf();
    client.basePath = basePath;
    await sessionOf(client);
    equal(await client.post(new UpdateUserRegistrationPasswordRequest()), SUCCESS);
    const { UserId } = await client.get(new Authenticate());
    equal(UserId, '1');
    equal(await client.post(new Authenticate({ provider: 'logout' })), { ResponseStatus: {} });
    const refused = await client.post(new UpdateUserRegistrationPasswordRequest()).catch((error) => error);
    equal(refused.responseStatus?.errorCode, 'Unauthorized');
  });
}
await check('session that is remembered', async () => {
  const client = clientOf();
  await sessionOf(client, { rememberMe: true });
  equal(await client.post(new UpdateUserRegistrationPasswordRequest()), SUCCESS);
});
await check('session, wrong password', async () => {
  const refused = await clientOf().post(new Authenticate({ ...LOGIN, password: 'wrong' })).catch((error) => error);
  equal(refused.responseStatus?.message, 'Invalid UserName or Password');
});
await check('no credential', async () => {
  equal(await refusal(undefined, {}), {
    status: 401,
    errorCode: 'Unauthorized',
    message: 'Unauthorized',
    fields: [],
  });
});
await check('wrong password', async () => {
  equal(await refusal(['admin', 'wrong'], {}), {
    status: 401,
    errorCode: 'Unauthorized',
    message: 'Invalid UserName or Password',
    fields: [],
  });
});
await check('no role', async () => {
  equal(await refusal(['bob', 'p@55wOrd'], {}), {
    status: 403,
    errorCode: 'Invalid Role',
    message: 'Invalid Role',
    fields: [],
  });
});
await check('unknown customer', async () => {
  equal(await refusal(ADMIN, { Email: 'nobody@example.com' }), {
    status: 404,
    errorCode: 'NotFound',
    message: 'Customer nobody@example.com was not found',
    fields: [],
  });
});
await check('no e-mail address, no password', async () => {
  equal(await refusal(ADMIN, { Email: undefined, NewPassword: undefined }), {
    status: 400,
    errorCode: 'NotEmpty',
    message: "'Email' should not be empty.",
    fields: ['Email', 'NewPassword'],
  });
});
