// Verifies the hashes that an import takes over from .NET applications.

using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

public static class Imported
{
    /// Whether the password matches an imported hash. Throws FormatException for an unknown format.
    public static bool IsRight(string stored, string password)
    {
        string[] parts = stored.Split('$'); // "", scheme, salt, hash
        if (parts[1] == "aspnet-identity") return IsIdentity(Convert.FromBase64String(parts[2]), password);
        if (parts.Length != 4) throw new FormatException("unknown format of a hash");
        byte[] salt = Convert.FromBase64String(parts[2]);
        return AreEqual(Salted(parts[1], salt, password), Convert.FromBase64String(parts[3]));
    }

    /// Compares in constant time.
    public static bool AreEqual(byte[] left, byte[] right)
    {
        int difference = left.Length ^ right.Length;
        for (int at = 0; at < left.Length && at < right.Length; at++) difference |= left[at] ^ right[at];
        return difference == 0;
    }

    static byte[] Salted(string scheme, byte[] salt, string password)
    {
        byte[] utf16 = Encoding.Unicode.GetBytes(password);
        switch (scheme)
        {
            case "aspnet-membership-sha1": using (var sha = SHA1.Create()) return sha.ComputeHash(salt.Concat(utf16).ToArray());
            case "aspnet-membership-sha256": using (var sha = SHA256.Create()) return sha.ComputeHash(salt.Concat(utf16).ToArray());
            case "aspnet-membership-sha512": using (var sha = SHA512.Create()) return sha.ComputeHash(salt.Concat(utf16).ToArray());
            case "aspnet-membership-hmacsha256": using (var hmac = new HMACSHA256(Repeated(salt, 64))) return hmac.ComputeHash(utf16);
            case "aspnet-membership-hmacsha512": using (var hmac = new HMACSHA512(Repeated(salt, 128))) return hmac.ComputeHash(utf16);
            case "servicestack-sha256":
                using (var sha = SHA256.Create()) return sha.ComputeHash(Encoding.UTF8.GetBytes(password).Concat(salt).ToArray());
            default: throw new FormatException("unknown format of a hash");
        }
    }

    static byte[] Repeated(byte[] salt, int length) => Enumerable.Range(0, length).Select(at => salt[at % salt.Length]).ToArray();

    /// A hash of ASP.NET Identity 2 (first byte 0) or ASP.NET Core Identity (1).
    static bool IsIdentity(byte[] data, string password)
    {
        int algorithm = 0, iterations = 1000, start = 1, length = 16;
        if (data[0] == 1)
        {
            algorithm = BigEndian(data, 1);
            iterations = BigEndian(data, 5);
            length = BigEndian(data, 9);
            start = 13;
        }
        byte[] salt = data.Skip(start).Take(length).ToArray(), expected = data.Skip(start + length).ToArray();
        var name = new[] { HashAlgorithmName.SHA1, HashAlgorithmName.SHA256, HashAlgorithmName.SHA512 }[algorithm];
        using (var derive = new Rfc2898DeriveBytes(password, salt, iterations, name)) return AreEqual(derive.GetBytes(expected.Length), expected);
    }

    static int BigEndian(byte[] data, int at) => data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
}
