"""Names of other systems in the documentation, which the code does not contain."""

# Variables and constants of mimalloc, rustc, CloudFormation and OpenSSL.
VARIABLES = {
    "MIMALLOC_PURGE_DELAY", "RUSTC_BOOTSTRAP", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED", "SSL_ERROR_SYSCALL",
}

# Files that the reader or a command writes, and patterns of names.
FILES = {"names.txt", "DAY/ID.json", "NAME.expected.json", "bind/", "item.json", "current.json"}

# Attributes of items, not events.
ATTRIBUTES = {"temporary.hash", "temporary.expires_at"}

# Headers and attributes of cookies, not parameters.
MEMBERS = {"Accept", "Allow", "Cookie", "SameSite", "Vary"}

# Messages of .NET, and the beginning of a query in SQL.
MESSAGES = {"SELECT DISTINCT", "The underlying connection was closed"}

NAMES = {
    # .NET
    "HttpClientHandler", "HttpWebRequest", "NetworkCredential", "SchUseStrongCrypto", "ServicePointManager",
    "SystemDefaultTlsVersions", "ToLowerInvariant", "WebClient",
    # ServiceStack
    "AlwaysSendBasicAuthHeader", "SetCredentials", "UserAuth", "UserAuthRole",
    # Lambda
    "CodeSha256", "FunctionError",
    # the hosted zone of CloudFront
    "Z2FDTNDATAQYW2",
    # columns of the old user tables
    "CustomerNumber", "IsLockedOut", "PasswordFormat",
}
