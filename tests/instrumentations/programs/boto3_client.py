"""Clients of AWS in front of a server of its own: DynamoDB, SQS, S3, SNS, errors."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import botocore.config
import botocore.exceptions
from opentelemetry import trace

tracer = trace.get_tracer("shop")
ITEM = {"id": {"S": "1"}, "name": {"S": "umbrella"}}
ANSWERS = {
    "GetItem": {"Item": ITEM, "ConsumedCapacity": {"TableName": "orders", "CapacityUnits": 0.5}},
    "PutItem": {},
    "Query": {"Items": [ITEM], "Count": 1, "ScannedCount": 2},
    "SendMessage": {"MessageId": "m-1"},
    "ReceiveMessage": {"Messages": [{"MessageId": "m-1", "ReceiptHandle": "r-1", "Body": "body"}]},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = (self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
        if name == "DescribeTable":
            return self.answer(400, {"__type": "ResourceNotFoundException", "message": "no such table"})
        if b"Action=Publish" in asked:
            return self.answer(
                200, "<PublishResponse><PublishResult><MessageId>n-1</MessageId></PublishResult></PublishResponse>"
            )
        return self.answer(200, ANSWERS.get(name, {}))

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "missing" in self.path:
            return self.answer(404, "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")
        return self.answer(200, "content" if self.command == "GET" else "")

    def do_PUT(self) -> None:
        self.do_GET()

    def answer(self, status: int, what: object) -> None:
        body = (what if isinstance(what, str) else json.dumps(what)).encode()
        self.send_response(status)
        self.send_header("x-amzn-RequestId", "request-1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def ask(base: str) -> None:
    options = {
        "endpoint_url": base,
        "region_name": "eu-central-1",
        "aws_access_key_id": "none",
        "aws_secret_access_key": "none",
        "config": botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    }
    tables = boto3.client("dynamodb", **options)
    with tracer.start_as_current_span("order"):
        tables.put_item(TableName="orders", Item=ITEM)
        print(tables.get_item(TableName="orders", Key={"id": {"S": "1"}}, ReturnConsumedCapacity="TOTAL")["Item"])
        found = tables.query(
            TableName="orders",
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": "1"}},
            Limit=5,
        )
        print(found["Count"])
    try:
        tables.describe_table(TableName="missing")
    except botocore.exceptions.ClientError as error:
        print(error.response["Error"]["Code"])
    queue = boto3.client("sqs", **options)
    with tracer.start_as_current_span("queue", kind=trace.SpanKind.PRODUCER):
        print(queue.send_message(QueueUrl=f"{base}/queue/orders", MessageBody="body")["MessageId"])
        print(len(queue.receive_message(QueueUrl=f"{base}/queue/orders")["Messages"]))
    store = boto3.client("s3", **options)
    print(store.get_object(Bucket="shop", Key="page.html")["Body"].read())
    store.put_object(Bucket="shop", Key="page.html", Body=b"content")
    try:
        store.get_object(Bucket="shop", Key="missing")
    except botocore.exceptions.ClientError as error:
        print(error.response["Error"]["Code"])
    topics = boto3.client("sns", **options)
    print(topics.publish(TopicArn="arn:aws:sns:eu-central-1:123456789012:orders", Message="text")["MessageId"])
    try:
        topics.publish()
    except botocore.exceptions.ParamValidationError as error:
        print(type(error).__name__)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    ask(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


if __name__ == "__main__":
    main()
