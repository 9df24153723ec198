// ResetUserPassword as a typical Node function: the same calls to DynamoDB and SES, the same
// Argon2 parameters, the same answer. It is not a replacement: it supports only SOAP 1.1 and one
// language, and has neither a sweep nor the legacy server's errors.

import { randomInt } from "node:crypto";

import { DynamoDBClient, TransactWriteItemsCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { SendEmailCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { Algorithm, hash } from "@node-rs/argon2";
import { XMLParser } from "fast-xml-parser";

const { USERS_TABLE, LIMITS_TABLE, AUDIT_TABLE, PRODUCT_NAME, MAIL_FROM, LOGIN_URL } = process.env;
const ARGON2 = { algorithm: Algorithm.Argon2id, memoryCost: 19456, timeCost: 2, parallelism: 1 };
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const ANSWER = "If the username is on file, a new password has been sent to its e-mail address.";

const dynamodb = new DynamoDBClient();
const ses = new SESv2Client();
const xml = new XMLParser({ removeNSPrefix: true });

const text = (value) => ({ S: value });
const number = (value) => ({ N: String(value) });

export async function handler(event, requestId) {
  const body = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
  const username = String(xml.parse(body).Envelope.Body.ResetUserPassword.username);
  await reset(username.normalize("NFKC").toLowerCase(), event.requestContext.http.sourceIp, requestId);
  return {
    statusCode: 200,
    headers: { "content-type": "text/xml; charset=utf-8" },
    body: envelope(ANSWER),
  };
}

async function reset(username, source, requestId) {
  const now = Math.floor(Date.now() / 1000);
  await count(`peer#source#${source}`, now);
  await count(`peer#name#${username}`, now);
  const password = newPassword();
  const phc = await hash(password, ARGON2);
  const user = await reserve(username, phc, now, requestId);
  await mail(user, password, requestId);
  await promote(username, phc, now, requestId);
}

async function count(subject, now) {
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: LIMITS_TABLE,
      Key: { subject: text(subject) },
      UpdateExpression: "SET uses = if_not_exists(uses, :none) + :one, expires_at = :end",
      ConditionExpression: "attribute_not_exists(uses) OR uses < :limit",
      ExpressionAttributeValues: {
        ":none": number(0),
        ":one": number(1),
        ":end": number(now + 3600),
        ":limit": number(1_000_000),
      },
    }),
  );
}

async function reserve(username, phc, now, requestId) {
  const pending = {
    hash: text(phc),
    request_id: text(requestId),
    expires_at: number(now + 30),
    attempts: number(0),
    requested_at: number(now),
  };
  const { Attributes } = await dynamodb.send(
    new UpdateItemCommand({
      TableName: USERS_TABLE,
      Key: { username: text(username) },
      UpdateExpression: "SET #reset = :pending, reset_queue = :queue, reset_due_at = :due",
      ConditionExpression:
        "attribute_exists(email) AND (attribute_not_exists(#reset) OR #reset.expires_at <= :now)",
      ExpressionAttributeNames: { "#reset": "reset" },
      ExpressionAttributeValues: {
        ":pending": { M: pending },
        ":queue": text("pending-0"),
        ":due": number(now + 30),
        ":now": number(now),
      },
      ReturnValues: "ALL_NEW",
    }),
  );
  return Attributes;
}

async function mail(user, password, requestId) {
  const lines = [
    `Hello ${user.display_name.S},`,
    `A new password was requested for your ${PRODUCT_NAME} login.`,
    `User name: ${user.display_username.S}`,
    `Password: ${password}`,
    `Log in before the new one expires: ${LOGIN_URL}`,
  ];
  const html = lines.map((line) => `<p>${line.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</p>`);
  await ses.send(
    new SendEmailCommand({
      FromEmailAddress: MAIL_FROM,
      Destination: { ToAddresses: [user.email.S] },
      EmailTags: [{ Name: "request_id", Value: requestId }],
      Content: {
        Simple: {
          Subject: { Data: `Your new ${PRODUCT_NAME} password`, Charset: "UTF-8" },
          Body: {
            Text: { Data: lines.join("\n\n"), Charset: "UTF-8" },
            Html: { Data: html.join("\n"), Charset: "UTF-8" },
          },
        },
      },
    }),
  );
}

async function promote(username, phc, now, requestId) {
  const update = {
    TableName: USERS_TABLE,
    Key: { username: text(username) },
    UpdateExpression:
      "SET password_hash = :hash, password_changed_at = :now, sessions_valid_after = :now, " +
      "must_change_password = :true, password_expires_at = :end " +
      "ADD version :one REMOVE #reset, reset_queue, reset_due_at",
    ConditionExpression: "#reset.request_id = :request",
    ExpressionAttributeNames: { "#reset": "reset" },
    ExpressionAttributeValues: {
      ":hash": text(phc),
      ":now": number(now),
      ":true": { BOOL: true },
      ":end": number(now + 86_400),
      ":one": number(1),
      ":request": text(requestId),
    },
  };
  const row = {
    username: text(username),
    at: text(`${new Date(now * 1000).toISOString()}#${requestId}`),
    event: text("password.reset"),
    request_id: text(requestId),
    expires_at: number(now + 400 * 86_400),
  };
  await dynamodb.send(
    new TransactWriteItemsCommand({
      TransactItems: [{ Update: update }, { Put: { TableName: AUDIT_TABLE, Item: row } }],
    }),
  );
}

function newPassword() {
  const letters = Array.from({ length: 28 }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return letters.join("").match(/.{4}/g).join("-");
}

function envelope(result) {
  return (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" ' +
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>' +
    '<ResetUserPasswordResponse xmlns="http://www.ifactorconsulting.com/webservices"><ResetUserPasswordResult>' +
    `${result}</ResetUserPasswordResult></ResetUserPasswordResponse></soap:Body></soap:Envelope>`
  );
}
