// node-soap through both SOAP ports of the WSDL. Argument: the base URL of the server.

import { createRequire } from 'node:module';
import { isDeepStrictEqual, promisify } from 'node:util';

const require = createRequire(new URL('../../target/clients/', import.meta.url));
const soap = require('soap');

const WSDL = `${process.argv[2].replace(/\/$/, '')}/webservices/IFCommonService.asmx?WSDL`;
const DONE = 'If the username is on file, a new password has been sent to its e-mail address.';
const REFUSED = 'username is required.';
const PORTS = {
  IFCommonServiceSoap: {
    options: {},
    refusal: { faultcode: 'soap:Client', faultstring: REFUSED, detail: '' },
  },
  IFCommonServiceSoap12: {
    options: { forceSoap12Headers: true },
    refusal: {
      Code: { Value: 'soap:Sender' },
      Reason: { Text: { attributes: { 'xml:lang': 'en' }, $value: REFUSED } },
      Detail: null,
    },
  },
};

async function check(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${name}: ${error.message}`);
  }
}

function equal(actual, expected) {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}

async function resetUserPassword(port, username) {
  const client = await soap.createClientAsync(WSDL, PORTS[port].options);
  return promisify(client.IFCommonService[port].ResetUserPassword)({ username });
}

for (const [port, { refusal }] of Object.entries(PORTS)) {
  await check(`${port}: reset`, async () => {
    equal(await resetUserPassword(port, 'jdoe'), { ResetUserPasswordResult: DONE });
  });
  await check(`${port}: empty username`, async () => {
    const answer = await resetUserPassword(port, '').catch((error) => error);
    equal(answer.root?.Envelope.Body.Fault ?? answer.message ?? answer, refusal);
  });
}
