<?php
// PHP's SoapServer in PHP's own web server. WSDL in the environment is a file.

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
// Which SoapServer does not say of a WSDL.
header('Content-Length: ' . ob_get_length());
