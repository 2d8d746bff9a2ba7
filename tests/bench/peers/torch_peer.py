"""GPT-2 in PyTorch, by hand: linear layers, scaled_dot_product_attention over a cache that is there
from the beginning, logits of the last position alone. Faster than generic code of a library."""
try:
    import torch
    import torch.nn.functional as F
    import work
except ImportError as error:
    print('{"missing": "%s"}' % error.name)
    raise SystemExit(0)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Gpt2:
    def __init__(self, folder, dtype, positions):
        config = work.config(folder)
        self.layers, self.heads = config["n_layer"], config["n_head"]
        self.epsilon, self.vocab = config["layer_norm_epsilon"], config["vocab_size"]
        self.width = config["n_embd"]
        tensors = {}
        for name, values in work.weights(folder).items():
            tensor = torch.tensor(values)
            if ".c_" in name and tensor.dim() == 2:  # Conv1D: [in, out]
                tensor = tensor.t().contiguous()
            tensors[name] = tensor.to(dtype)
        self.weights = tensors
        shape = (self.layers, 2, 1, self.heads, positions, self.width // self.heads)
        self.cache, self.length = torch.zeros(shape, dtype=dtype), 0

    def linear(self, x, name):
        return F.linear(x, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def norm(self, x, name):
        weight, bias = self.weights[name + ".weight"], self.weights[name + ".bias"]
        return F.layer_norm(x, (self.width,), weight, bias, self.epsilon)

    def attend(self, x, layer):
        tokens, end = x.shape[0], self.length + x.shape[0]
        qkv = self.linear(x, f"h.{layer}.attn.c_attn").view(tokens, 3, self.heads, -1)
        q, k, v = qkv.permute(1, 2, 0, 3).unsqueeze(1)
        keys, values = self.cache[layer]
        keys[:, :, self.length:end] = k
        values[:, :, self.length:end] = v
        y = F.scaled_dot_product_attention(q, keys[:, :, :end], values[:, :, :end],
                                           is_causal=tokens > 1)
        return self.linear(y[0].transpose(0, 1).reshape(tokens, -1), f"h.{layer}.attn.c_proj")

    def next(self, ids):
        """Appends ids; a first call may bring several, later ones bring one."""
        positions = slice(self.length, self.length + len(ids))
        x = self.weights["wte.weight"][ids] + self.weights["wpe.weight"][positions]
        for layer in range(self.layers):
            x = x + self.attend(self.norm(x, f"h.{layer}.ln_1"), layer)
            hidden = self.linear(self.norm(x, f"h.{layer}.ln_2"), f"h.{layer}.mlp.c_fc")
            hidden = F.gelu(hidden, approximate="tanh")
            x = x + self.linear(hidden, f"h.{layer}.mlp.c_proj")
        self.length += len(ids)
        return int(F.linear(self.norm(x[-1:], "ln_f"), self.weights["wte.weight"]).argmax())


def main():
    options = work.arguments(__doc__)
    if options.folder == "version":
        work.answer({"version": torch.__version__, "widths": list(DTYPES)})
    torch.set_num_threads(options.threads)
    model = Gpt2(options.folder, DTYPES[options.width],
                 max(options.prompt + options.tokens, *options.prefill))

    def prefill(ids):
        model.length = 0
        return model.next(ids)

    with torch.inference_mode():
        work.answer(work.measure(options, model.vocab, prefill, lambda token: model.next([token])))


main()
