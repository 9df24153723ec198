// Calls the service through a proxy that wsdl generated (see mono.sh). Arguments: the URL of the
// service, the name of the checks.

using System;
using System.Net;

static class Mono
{
    static int failures;

    static void Check(string name, Func<bool> passes)
    {
        try
        {
            if (passes()) { Console.WriteLine("ok " + name); return; }
            Console.WriteLine("FAIL " + name);
        }
        catch (Exception error) { Console.WriteLine("FAIL " + name + ": " + error.Message); }
        failures++;
    }

    static UpdateUserRegistrationPasswordResponse Set(string url, string secret, string password)
    {
        // Without PreAuthenticate, so that the credential is sent after the service's challenge.
        var service = new SyncReply { Url = url, Credentials = new NetworkCredential("admin", secret) };
        return service.UpdateUserRegistrationPasswordRequest(new UpdateUserRegistrationPasswordRequest
        {
            Requester = "portal",
            Email = "a@example.com",
            NewPassword = password,
            SendResetEmail = true,
            SendResetEmailSpecified = true,
        });
    }

    static int Main(string[] arguments)
    {
        string url = arguments[0], version = arguments[1];
        Check(version + ": a password is set", () =>
        {
            var answer = Set(url, "p@55wOrd", "harbor-Lantern-5821");
            return answer.Id == 42 && answer.DisplayName == "Jane Doe" && answer.ResetEmailSent;
        });
        Check(version + ": a short password is refused", () =>
            Set(url, "p@55wOrd", "short").ResponseStatus.Errors[0].FieldName == "NewPassword");
        Check(version + ": a wrong password is refused", () =>
            Set(url, "wrong", "harbor-Lantern-5821").ResponseStatus.ErrorCode == "Unauthorized");
        return failures > 0 ? 1 : 0;
    }
}
