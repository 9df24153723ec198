//gsoap ns service name: IFCommonService
//gsoap ns service namespace: http://www.ifactorconsulting.com/webservices
//gsoap ns schema elementForm: qualified
//gsoap ns service method-action: ResetUserPassword "http://www.ifactorconsulting.com/webservices/ResetUserPassword"

struct ns__ResetUserPasswordResponse { char *ResetUserPasswordResult 0; };

int ns__ResetUserPassword(char *username 0, struct ns__ResetUserPasswordResponse *response);
