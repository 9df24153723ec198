/* gSOAP's stand-alone server, which serves one connection at a time. Arguments: port and WSDL. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "IFCommonService.nsmap"
#include "soapH.h"

static char *wsdl;
static size_t wsdl_length;

int ns__ResetUserPassword(struct soap *soap, char *username,
                          struct ns__ResetUserPasswordResponse *response) {
  if (!username || !*username) {
    return soap_sender_fault(soap, "username is required.", NULL);
  }
  response->ResetUserPasswordResult = "";
  return SOAP_OK;
}

static int get(struct soap *soap) {
  const char *query = strchr(soap->path, '?');
  if (!query || strcmp(query, "?WSDL")) {
    return SOAP_GET_METHOD;
  }
  soap->http_content = "text/xml; charset=utf-8";
  if (soap_response(soap, SOAP_FILE) || soap_send_raw(soap, wsdl, wsdl_length)) {
    return soap->error;
  }
  return soap_end_send(soap);
}

static int read_wsdl(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) {
    return 0;
  }
  wsdl_length = (size_t)ftell(file);
  wsdl = malloc(wsdl_length);
  rewind(file);
  return wsdl && fread(wsdl, 1, wsdl_length, file) == wsdl_length && !fclose(file);
}

int main(int count, char **arguments) {
  if (count != 3 || !read_wsdl(arguments[2])) {
    return EXIT_FAILURE;
  }
  struct soap *soap = soap_new2(SOAP_IO_KEEPALIVE, SOAP_IO_KEEPALIVE);
  soap->bind_flags = SO_REUSEADDR;
  /* Otherwise a connection is closed after a hundred requests. */
  soap->max_keep_alive = 0;
  soap->fget = get;
  if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", atoi(arguments[1]), 16))) {
    soap_print_fault(soap, stderr);
    return EXIT_FAILURE;
  }
  while (soap_valid_socket(soap_accept(soap))) {
    soap_serve(soap);
    soap_destroy(soap);
    soap_end(soap);
  }
  soap_print_fault(soap, stderr);
  return EXIT_FAILURE;
}
