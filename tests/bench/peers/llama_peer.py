"""GPT-2 in llama.cpp, through its C interface as the package llama-cpp-python has it, from a GGUF
file that is written beside the model's folder on first use."""
import ctypes
import os

try:
    import gguf
    import llama_cpp
    import work
except ImportError as error:
    print('{"missing": "%s"}' % error.name)
    raise SystemExit(0)

TYPES = {
    "fp32": gguf.GGMLQuantizationType.F32,
    "bf16": gguf.GGMLQuantizationType.BF16,
    "int8": gguf.GGMLQuantizationType.Q8_0,
    "int4": gguf.GGMLQuantizationType.Q4_0,
}
PLACES = {
    "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}


def name_of(name):
    """llama.cpp's name of a weight: h.3.ln_1.bias is blk.3.attn_norm.bias."""
    for ours, theirs in (("wte", "token_embd"), ("wpe", "position_embd"), ("ln_f", "output_norm")):
        if name.startswith(ours + "."):
            return theirs + name[len(ours):]
    _, layer, rest = name.split(".", 2)
    place, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{PLACES[place]}.{kind}"


def write(folder, path, width):
    config = work.config(folder)
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(4 * config["n_embd"])
    writer.add_block_count(config["n_layer"])
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    for name, values in work.weights(folder).items():
        kind = gguf.GGMLQuantizationType.F32
        if values.ndim == 2 and not name.startswith("wpe"):
            kind = TYPES[width]
            if ".c_" in name:  # Conv1D: [in, out]
                values = values.T.copy()
        writer.add_tensor(name_of(name), gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Gpt2:
    def __init__(self, path, vocab, threads, positions):
        llama_cpp.llama_backend_init()
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
        self.quiet = quiet  # the library calls it for as long as it lives
        how = llama_cpp.llama_model_default_params()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), how)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = context.n_batch = context.n_ubatch = positions
        context.n_threads = context.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        if not self.model or not self.context:
            raise SystemExit(f"llama.cpp can't read {path}")
        self.vocab = vocab

    def next(self, ids):
        tokens = (llama_cpp.llama_token * len(ids))(*ids)
        batch = llama_cpp.llama_batch_get_one(tokens, len(ids))
        if llama_cpp.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama_decode failed")
        logits = llama_cpp.llama_get_logits_ith(self.context, -1)
        return int(work.numpy.ctypeslib.as_array(logits, (self.vocab,)).argmax())

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)


def main():
    options = work.arguments(__doc__)
    if options.folder == "version":
        work.answer({"version": llama_cpp.__version__, "widths": list(TYPES)})
    path = f"{options.folder}-{options.width}.gguf"
    if not os.path.exists(path):
        write(options.folder, path + ".part", options.width)
        os.rename(path + ".part", path)
    positions = max(options.prompt + options.tokens, *options.prefill)
    model = Gpt2(path, work.config(options.folder)["vocab_size"], options.threads, positions)

    def prefill(ids):
        model.clear()
        return model.next(ids)

    work.answer(work.measure(options, model.vocab, prefill, lambda token: model.next([token])))


main()
