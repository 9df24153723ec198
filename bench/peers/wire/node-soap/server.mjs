// node-soap on Node's HTTP server. Arguments: port and WSDL.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import soap from 'soap';

const [port, wsdl] = process.argv.slice(2);

function ResetUserPassword({ username }) {
  if (!username) {
    throw {
      Fault: {
        faultcode: 'soap:Client',
        faultstring: 'username is required.',
        statusCode: 500,
      },
    };
  }
  return { ResetUserPasswordResult: '' };
}

const operations = { ResetUserPassword };
const services = {
  IFCommonService: { IFCommonServiceSoap: operations, IFCommonServiceSoap12: operations },
};
const server = createServer((_, response) => response.writeHead(404).end());
server.listen(Number(port), '127.0.0.1');
soap.listen(server, '/webservices/IFCommonService.asmx', services, readFileSync(wsdl, 'utf8'));
