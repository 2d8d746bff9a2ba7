"""What the peers' scripts share: the work that is timed, the weights, the answer as JSON."""
import argparse
import json
import struct
import sys
import time

import numpy


def arguments(about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("folder", help="of the model, or 'version' alone")
    parser.add_argument("--width", default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prompt", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--prefill", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


def answer(value):
    print(json.dumps(value))
    sys.exit(0)


def ids(count, vocab):
    """The prompt that tests/bench/support.lua makes."""
    return [i * 7919 % vocab for i in range(1, count + 1)]


def weights(folder):
    """The tensors of a safetensors file by name, read as float32."""
    with open(f"{folder}/model.safetensors", "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, tensor in header.items():
        if tensor["dtype"] != "F32":
            sys.exit(f"{name}: expected F32, got {tensor['dtype']}")
        begin, end = tensor["data_offsets"]
        values = numpy.frombuffer(data[begin:end], numpy.float32)
        tensors[name.removeprefix("transformer.")] = values.reshape(tensor["shape"])
    return tensors


def config(folder):
    with open(f"{folder}/config.json") as file:
        return json.load(file)


def measure(options, vocab, prefill, step):
    """prefill(ids) begins anew and gives the next id, step(id) appends one and gives the next."""
    result = {"decode_ms": [], "prefill_ms": {}}
    for repetition in range(options.repeat + 1):
        token = prefill(ids(options.prompt, vocab))
        made = [token]
        begin = time.perf_counter()
        for _ in range(options.tokens - 1):
            token = step(token)
            made.append(token)
        spent = 1e3 * (time.perf_counter() - begin) / (options.tokens - 1)
        if repetition > 0:  # the first one warms up
            result["decode_ms"].append(spent)
        result["ids"] = made
    for tokens in options.prefill:
        prompt, times = ids(tokens, vocab), []
        for repetition in range(options.repeat + 1):
            begin = time.perf_counter()
            prefill(prompt)
            if repetition > 0:
                times.append(1e3 * (time.perf_counter() - begin))
        result["prefill_ms"][str(tokens)] = times
    return result
