// Calls the service through a proxy that gSOAP generated (see gsoap.sh). Argument: the name of the
// checks.

#include "proxy.h"

#include <iostream>
#include <string>

static int failures = 0;

static void check(const std::string& name, bool passes) {
  failures += !passes;
  std::cout << (passes ? "ok " : "FAIL ") << name << std::endl;
}

struct Call {
  Proxy proxy;
  std::string requester = "portal", email = "a@example.com", password;
  bool mail = true;
  ns2__UpdateUserRegistrationPasswordResponse response;

  bool send(const char* secret, const char* newPassword) {
    proxy.soap->userid = "admin";
    proxy.soap->passwd = secret;
    password = newPassword;
    ns2__UpdateUserRegistrationPasswordRequest request;
    request.Requester = &requester;
    request.Email = &email;
    request.NewPassword = &password;
    request.SendResetEmail = &mail;
    return proxy.UpdateUserRegistrationPasswordRequest(&request, response) == SOAP_OK;
  }
};

int main(int, char** arguments) {
  const std::string version = arguments[1];
  Call set;
  check(version + ": a password is set",
        set.send("p@55wOrd", "harbor-Lantern-5821") && set.response.Id && *set.response.Id == 42);
  Call short_;
  check(version + ": a short password is refused",
        short_.send("p@55wOrd", "short") && *short_.response.ResponseStatus->ErrorCode == "Length");
  Call wrong;
  check(version + ": a wrong password is refused",
        wrong.send("wrong", "harbor-Lantern-5821") &&
            *wrong.response.ResponseStatus->Message == "Invalid UserName or Password");
  return failures > 0;
}
