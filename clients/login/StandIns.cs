// Stand-ins for the packages AWSSDK.DynamoDBv2 and Konscious.Security.Cryptography.Argon2, with the
// members that docs/examples/Login.cs uses. They call stand_in.py, because NuGet's packages are not
// available everywhere.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;
using System.Threading.Tasks;

static class Helper
{
    /// Runs stand_in.py with these lines as its input, each in Base64, and returns its lines.
    public static string[] Ask(params string[] lines)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("STAND_IN_PYTHON"), Environment.GetEnvironmentVariable("STAND_IN"))
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        using (var process = Process.Start(start))
        {
            foreach (string line in lines) process.StandardInput.WriteLine(Convert.ToBase64String(Encoding.UTF8.GetBytes(line)));
            process.StandardInput.Close();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return output.Split(new[] { '\n' }, StringSplitOptions.RemoveEmptyEntries);
        }
    }
}

namespace Konscious.Security.Cryptography
{
    public class Argon2id : IDisposable
    {
        readonly byte[] password;

        public Argon2id(byte[] password) { this.password = password; }

        public byte[] Salt { get; set; }
        public int MemorySize { get; set; }
        public int Iterations { get; set; }
        public int DegreeOfParallelism { get; set; }

        public byte[] GetBytes(int length) => Convert.FromBase64String(Helper.Ask(
            "argon2id", Convert.ToBase64String(password), Convert.ToBase64String(Salt), $"{MemorySize}", $"{Iterations}",
            $"{DegreeOfParallelism}", $"{length}").Single());

        public void Dispose() { }
    }
}

namespace Amazon.DynamoDBv2.Model
{
    public class AttributeValue
    {
        public string S { get; set; }
        public string N { get; set; }
        public bool? BOOL { get; set; }
        public Dictionary<string, AttributeValue> M { get; set; }
    }

    public class GetItemRequest
    {
        public string TableName { get; set; }
        public Dictionary<string, AttributeValue> Key { get; set; }
        public bool? ConsistentRead { get; set; }
    }

    public class GetItemResponse
    {
        public Dictionary<string, AttributeValue> Item { get; set; }
    }

    public class UpdateItemRequest
    {
        public string TableName { get; set; }
        public Dictionary<string, AttributeValue> Key { get; set; }
        public string UpdateExpression { get; set; }
        public string ConditionExpression { get; set; }
        public Dictionary<string, AttributeValue> ExpressionAttributeValues { get; set; }
        public Dictionary<string, string> ExpressionAttributeNames { get; set; }
    }

    public class UpdateItemResponse { }

    public class ConditionalCheckFailedException : Exception { }
}

namespace Amazon.DynamoDBv2
{
    using Model;

    public interface IAmazonDynamoDB
    {
        Task<GetItemResponse> GetItemAsync(GetItemRequest request);
        Task<UpdateItemResponse> UpdateItemAsync(UpdateItemRequest request);
    }

    public class AmazonDynamoDBClient : IAmazonDynamoDB
    {
        public Task<GetItemResponse> GetItemAsync(GetItemRequest request)
        {
            Dictionary<string, AttributeValue> item = null;
            // Each line is NAME TYPE VALUE. A map has no line; each of its members has one, named
            // MAP.MEMBER.
            foreach (string line in Helper.Ask("get", request.TableName, request.Key["username"].S, $"{request.ConsistentRead}"))
            {
                item = item ?? new Dictionary<string, AttributeValue>();
                string[] parts = line.Split(' ');
                string text = Encoding.UTF8.GetString(Convert.FromBase64String(parts[2]));
                string[] path = parts[0].Split('.');
                var target = item;
                if (path.Length == 2)
                {
                    if (!item.ContainsKey(path[0])) item[path[0]] = new AttributeValue { M = new Dictionary<string, AttributeValue>() };
                    target = item[path[0]].M;
                }
                target[path.Last()] = new AttributeValue
                {
                    S = parts[1] == "S" ? text : null, N = parts[1] == "N" ? text : null,
                    BOOL = parts[1] == "BOOL" ? text == "True" : (bool?)null,
                };
            }
            return Task.FromResult(new GetItemResponse { Item = item });
        }

        public Task<UpdateItemResponse> UpdateItemAsync(UpdateItemRequest request)
        {
            var lines = new List<string>
            {
                "update", request.TableName, request.Key["username"].S, request.UpdateExpression, request.ConditionExpression,
            };
            foreach (var name in request.ExpressionAttributeNames ?? new Dictionary<string, string>())
                lines.AddRange(new[] { "name", name.Key, name.Value });
            foreach (var pair in request.ExpressionAttributeValues)
            {
                var value = pair.Value;
                string type = value.S != null ? "S" : value.N != null ? "N" : "BOOL";
                lines.AddRange(new[] { type, pair.Key, value.S ?? value.N ?? $"{value.BOOL}" });
            }
            if (Helper.Ask(lines.ToArray()).Single() != "done") throw new ConditionalCheckFailedException();
            return Task.FromResult(new UpdateItemResponse());
        }
    }
}
