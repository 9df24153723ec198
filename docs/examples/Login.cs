// Logs a user in with the Users table. Needs the packages AWSSDK.DynamoDBv2 and
// Konscious.Security.Cryptography.Argon2, and .NET Framework 4.7.2 or later, or .NET 6 or later.
//
//     USERS_TABLE=Users Login jdoe
//
// Reads the password from standard input. If it must be changed, the next line is the new one.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Konscious.Security.Cryptography;

public class LoginResult
{
    public string Outcome, Username, PasswordHash;
}

public static class UserNames
{
    const string Nobody = "\0"; // a key that no account has

    /// The user name in its normal form.
    public static string Key(string name)
    {
        if (name.Length > 2048) return Nobody;
        for (string before = null; name != before;)
        {
            before = name;
            name = Lower(name.Trim().Normalize(NormalizationForm.FormKC)).Trim();
        }
        int length = Encoding.UTF8.GetByteCount(name);
        return length >= 1 && length <= 256 && !name.Any(char.IsControl) ? name : Nobody;
    }

    // ToLowerInvariant converts each character alone, and handles neither U+0130 nor the final sigma.
    static string Lower(string name)
    {
        var lower = new StringBuilder(name.Replace("\u0130", "i\u0307").ToLowerInvariant());
        for (int at = 0; at < name.Length; at++)
        {
            bool isFinal = name[at] == '\u03a3' && at > 0 && char.IsLetter(name[at - 1])
                && (at + 1 == name.Length || !char.IsLetter(name[at + 1]));
            if (isFinal) lower.Replace('\u03c3', '\u03c2', at, 1);
        }
        return lower.ToString();
    }
}

public static class Passwords
{
    // Argon2MemoryKib and Argon2Iterations of the stack.
    const int Memory = 19456, Iterations = 2, Parallelism = 1;
    static readonly string Current = $"$argon2id$v=19$m={Memory},t={Iterations},p={Parallelism}$";
    static readonly string Dummy = Hash(Guid.NewGuid().ToString());

    public static string Hash(string password)
    {
        var salt = new byte[16];
        using (var random = RandomNumberGenerator.Create()) random.GetBytes(salt);
        return Current + Unpadded(salt) + "$" + Unpadded(Compute(password, salt, Memory, Iterations, Parallelism, 32));
    }

    public static bool IsCurrent(string stored) => stored.StartsWith(Current, StringComparison.Ordinal);

    /// Computes one Argon2id hash, whether or not there is an account.
    public static bool IsRight(string stored, string password)
    {
        bool isArgon2 = stored != null && stored.StartsWith("$argon2id$v=19$", StringComparison.Ordinal);
        bool matches = Verify(isArgon2 ? stored : Dummy, password);
        return stored != null && !isArgon2 ? Imported.IsRight(stored, password) : isArgon2 && matches;
    }

    static bool Verify(string stored, string password)
    {
        string[] parts = stored.Split('$'); // "", argon2id, v=19, m=…,t=…,p=…, salt, hash
        int[] cost = parts[3].Split(',').Select(part => int.Parse(part.Substring(2), CultureInfo.InvariantCulture)).ToArray();
        byte[] expected = FromUnpadded(parts[5]);
        return Imported.AreEqual(Compute(password, FromUnpadded(parts[4]), cost[0], cost[1], cost[2], expected.Length), expected);
    }

    static byte[] Compute(string password, byte[] salt, int memory, int iterations, int parallelism, int length)
    {
        var argon2 = new Argon2id(Encoding.UTF8.GetBytes(password))
        {
            Salt = salt, MemorySize = memory, Iterations = iterations, DegreeOfParallelism = parallelism,
        };
        using (argon2) return argon2.GetBytes(length);
    }

    static string Unpadded(byte[] data) => Convert.ToBase64String(data).TrimEnd('=');

    static byte[] FromUnpadded(string text) => Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='));
}

public class Users
{
    readonly IAmazonDynamoDB client;
    readonly string table;
    readonly bool dual; // whether the services run with RESET_MODE=dual

    public Users(IAmazonDynamoDB client, string table, bool dual)
    {
        this.client = client;
        this.table = table;
        this.dual = dual;
    }

    public async Task<LoginResult> Login(string name, string password, long now)
    {
        string username = UserNames.Key(name);
        var user = await Read(username);
        string stored = Text(user, "password_hash");
        string expiresAt = Number(user, "password_expires_at");
        var temporary = user.ContainsKey("temporary") ? user["temporary"].M : null;
        if (Passwords.IsRight(stored, password))
        {
            temporary = null;
        }
        else if ((temporary != null || dual) && Passwords.IsRight(Text(temporary, "hash"), password))
        {
            stored = temporary["hash"].S;
            expiresAt = temporary["expires_at"].N;
        }
        else
        {
            return new LoginResult { Outcome = "wrong" };
        }
        if (IsTrue(user, "disabled")) return new LoginResult { Outcome = "wrong" };
        if (expiresAt != null && long.Parse(expiresAt, CultureInfo.InvariantCulture) <= now) return new LoginResult { Outcome = "expired" };
        if (temporary != null) await UseTemporary(username, temporary, now);
        if (temporary != null || IsTrue(user, "must_change_password"))
            return new LoginResult { Outcome = "must change", Username = username, PasswordHash = stored };
        if (!Passwords.IsCurrent(stored)) stored = await Rehash(username, stored, Passwords.Hash(password));
        return new LoginResult { Outcome = "valid", Username = username, PasswordHash = stored };
    }

    /// Throws ConditionalCheckFailedException if another change came first.
    public Task ChangePassword(string username, string oldHash, string password, long now) => Update(
        username,
        "SET password_hash = :new, password_changed_at = :now, sessions_valid_after = :now, reset_superseded = :true "
            + "ADD version :one REMOVE #temporary, must_change_password, password_expires_at",
        "password_hash = :old",
        new Dictionary<string, AttributeValue>
        {
            [":new"] = new AttributeValue { S = Passwords.Hash(password) }, [":old"] = new AttributeValue { S = oldHash },
            [":now"] = Of(now), [":true"] = new AttributeValue { BOOL = true }, [":one"] = Of(1),
        },
        new Dictionary<string, string> { ["#temporary"] = "temporary" });

    /// Throws ConditionalCheckFailedException if another login or change came first.
    Task UseTemporary(string username, Dictionary<string, AttributeValue> temporary, long now) => Update(
        username,
        "SET password_hash = :hash, password_changed_at = :now, sessions_valid_after = :now, must_change_password = :true, "
            + "password_expires_at = :end ADD version :one REMOVE #temporary",
        "#temporary.#hash = :hash",
        new Dictionary<string, AttributeValue>
        {
            [":hash"] = temporary["hash"], [":end"] = temporary["expires_at"],
            [":now"] = Of(now), [":true"] = new AttributeValue { BOOL = true }, [":one"] = Of(1),
        },
        new Dictionary<string, string> { ["#temporary"] = "temporary", ["#hash"] = "hash" });

    /// Replaces the hash and returns the new one. If the password was changed meanwhile, returns the old one, so that a later change conditional on that hash fails.
    async Task<string> Rehash(string username, string oldHash, string newHash)
    {
        try
        {
            await Update(username, "SET password_hash = :new", "password_hash = :old", new Dictionary<string, AttributeValue>
            {
                [":old"] = new AttributeValue { S = oldHash }, [":new"] = new AttributeValue { S = newHash },
            }, null);
            return newHash;
        }
        catch (ConditionalCheckFailedException)
        {
            return oldHash;
        }
    }

    async Task<Dictionary<string, AttributeValue>> Read(string username)
    {
        var found = await client.GetItemAsync(new GetItemRequest { TableName = table, Key = KeyOf(username), ConsistentRead = true });
        return found.Item ?? new Dictionary<string, AttributeValue>();
    }

    Task Update(string username, string update, string condition, Dictionary<string, AttributeValue> values, Dictionary<string, string> names)
    {
        var request = new UpdateItemRequest
        {
            TableName = table, Key = KeyOf(username), UpdateExpression = update,
            ConditionExpression = condition, ExpressionAttributeValues = values,
        };
        if (names != null) request.ExpressionAttributeNames = names;
        return client.UpdateItemAsync(request);
    }

    static Dictionary<string, AttributeValue> KeyOf(string username) =>
        new Dictionary<string, AttributeValue> { ["username"] = new AttributeValue { S = username } };

    static AttributeValue Of(long number) => new AttributeValue { N = number.ToString(CultureInfo.InvariantCulture) };

    static string Text(Dictionary<string, AttributeValue> item, string name) =>
        item != null && item.TryGetValue(name, out var value) ? value.S : null;

    static string Number(Dictionary<string, AttributeValue> item, string name) =>
        item.TryGetValue(name, out var value) ? value.N : null;

    // BOOL is bool? since version 4 of the SDK.
    static bool IsTrue(Dictionary<string, AttributeValue> item, string name) =>
        item.TryGetValue(name, out var value) && ((bool?)value.BOOL ?? false);
}

public static class Program
{
    public static void Main(string[] arguments) => Run(arguments[0]).GetAwaiter().GetResult();

    static async Task Run(string name)
    {
        bool dual = Environment.GetEnvironmentVariable("RESET_MODE") == "dual";
        var users = new Users(new AmazonDynamoDBClient(), Environment.GetEnvironmentVariable("USERS_TABLE"), dual);
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var found = await users.Login(name, Console.ReadLine() ?? "", now);
        string newPassword = Console.ReadLine();
        if (found.Outcome == "must change" && !string.IsNullOrEmpty(newPassword))
        {
            await users.ChangePassword(found.Username, found.PasswordHash, newPassword, now);
            Console.WriteLine("changed");
        }
        else
        {
            Console.WriteLine(found.Outcome);
        }
    }
}
