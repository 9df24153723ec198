<?php
// PHP's SoapClient in SOAP 1.1 and 1.2, with the WSDL and without. Argument: the base URL of the server.

const NS = 'http://www.ifactorconsulting.com/webservices';
const DONE = 'If the username is on file, a new password has been sent to its e-mail address.';
const REFUSED = 'username is required.';
const VERSIONS = ['1.1' => [SOAP_1_1, 'soap:Client'], '1.2' => [SOAP_1_2, 'soap:Sender']];

$failures = 0;

function check(string $name, callable $run): void
{
    global $failures;
    try {
        $run();
        echo "ok $name\n";
    } catch (Throwable $error) {
        $failures++;
        echo "FAIL $name: ", trim($error->getMessage()), "\n";
    }
}

function equal(mixed $actual, mixed $expected): void
{
    if ($actual !== $expected) {
        throw new Exception(json_encode($actual) . ' instead of ' . json_encode($expected));
    }
}

function fault_of(callable $call): SoapFault
{
    try {
        $answer = $call();
    } catch (SoapFault $fault) {
        return $fault;
    }
    throw new Exception(json_encode($answer) . ' instead of a fault');
}

function check_both(string $name, string $code, callable $reset): void
{
    check("$name: reset", fn() => equal($reset('jdoe'), DONE));
    check("$name: empty username", function () use ($reset, $code) {
        $fault = fault_of(fn() => $reset(''));
        equal([$fault->faultcode, $fault->faultstring], [$code, REFUSED]);
    });
}

ini_set('default_socket_timeout', '20');
$url = rtrim($argv[1], '/') . '/webservices/IFCommonService.asmx';

foreach (VERSIONS as $name => [$version, $code]) {
    $options = ['soap_version' => $version, 'cache_wsdl' => WSDL_CACHE_NONE];
    check_both("$name with the WSDL", $code, fn(string $username) =>
        (new SoapClient("$url?WSDL", $options))->ResetUserPassword(['username' => $username])->ResetUserPasswordResult);
}

foreach (VERSIONS as $name => [$version, $code]) {
    $client = new SoapClient(null, [
        'soap_version' => $version,
        'location' => $url,
        'uri' => NS,
        'style' => SOAP_DOCUMENT,
        'use' => SOAP_LITERAL,
    ]);
    check_both("$name without the WSDL", $code, fn(string $username) =>
        $client->__soapCall(
            'ResetUserPassword',
            [new SoapVar('<ResetUserPassword xmlns="' . NS . "\"><username>$username</username></ResetUserPassword>", XSD_ANYXML)],
            ['soapaction' => NS . '/ResetUserPassword'],
        ));
}

exit($failures > 0 ? 1 : 0);
