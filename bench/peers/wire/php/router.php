<?php
// PHP's SoapServer in PHP's built-in web server. The environment variable WSDL is the path of the WSDL.

class IFCommonService
{
    public function ResetUserPassword(object $parameters): object
    {
        if (($parameters->username ?? '') === '') {
            throw new SoapFault('Client', 'username is required.');
        }
        return (object) ['ResetUserPasswordResult' => ''];
    }
}

$server = new SoapServer(getenv('WSDL'), ['cache_wsdl' => WSDL_CACHE_MEMORY]);
$server->setClass(IFCommonService::class);
ob_start();
$server->handle();
// SoapServer does not send this header with a WSDL.
header('Content-Length: ' . ob_get_length());
