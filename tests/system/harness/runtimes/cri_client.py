"""A minimal CRI v1 client over grpcio with hand-encoded protobuf. A program: cri_client.py SOCKET OPERATION ARGUMENT…

sandbox NAME LOGS            runs a pod sandbox on the host's network (no CNI needed): prints its id
create SANDBOX NAME IMAGE LOGS ARGV…   prints the container's id
start ID | stop ID | remove ID | remove-sandbox ID | exec ID ARGV… (output and status are the program's)
"""

import sys
import uuid

import grpc


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def pairs(number, values):
    return b"".join(field(number, field(1, k) + field(2, v)) for k, v in values.items())


def parse(data):
    at, out = 0, {}

    def read_varint():
        nonlocal at
        shift = result = 0
        while True:
            byte = data[at]
            at += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    while at < len(data):
        tag = read_varint()
        if tag & 7 == 0:
            value = read_varint()
        else:
            size = read_varint()
            value, at = data[at:at + size], at + size
        out.setdefault(tag >> 3, []).append(value)
    return out


class Client:
    def __init__(self, socket):
        self.channel = grpc.insecure_channel(f"unix://{socket}")

    def call(self, method, request=b""):
        return parse(self.channel.unary_unary(f"/runtime.v1.RuntimeService/{method}")(request, timeout=60))


def sandbox_config(name, logs):
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    labels = {"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.uid": identity}
    host_network = field(2, field(1, field(1, 2)))
    return labels, (field(1, field(1, name) + field(2, identity) + field(3, "default") + field(4, 0)) + field(3, logs) +
                    pairs(6, labels | {"hftest": name}) + field(8, field(1, f"/kubepods/pod{identity}") + host_network))


def create(client, sandbox, name, image, logs, argv):
    labels, config = sandbox_config(name, logs)
    labels["io.kubernetes.container.name"] = f"{name}-ctr"
    container = (field(1, field(1, f"{name}-ctr") + field(2, 0)) + field(2, field(1, image)) +
                 b"".join(field(3, a) for a in argv) + pairs(9, labels) + field(11, f"{name}.log") +
                 field(15, field(2, field(3, field(1, 2)))))
    return client.call("CreateContainer", field(1, sandbox) + field(2, container) + field(3, config))[1][0].decode()


def main(socket, operation, *argv):
    client = Client(socket)
    if operation == "sandbox":
        print(client.call("RunPodSandbox", field(1, sandbox_config(*argv)[1]))[1][0].decode())
    elif operation == "create":
        print(create(client, *argv[:4], argv[4:]))
    elif operation == "start":
        client.call("StartContainer", field(1, argv[0]))
    elif operation == "exec":
        answer = client.call("ExecSync", field(1, argv[0]) + b"".join(field(2, a) for a in argv[1:]) + field(3, 30))
        sys.stdout.write((answer.get(1, [b""])[0] + answer.get(2, [b""])[0]).decode())
        return answer.get(3, [0])[0]
    elif operation == "stop":
        client.call("StopContainer", field(1, argv[0]) + field(2, 0))
    elif operation == "remove":
        client.call("RemoveContainer", field(1, argv[0]))
    elif operation == "remove-sandbox":
        client.call("StopPodSandbox", field(1, argv[0]))
        client.call("RemovePodSandbox", field(1, argv[0]))
    else:
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except grpc.RpcError as error:
        sys.exit(error.details())
