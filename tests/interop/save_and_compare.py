"""Loads what model:save wrote into transformers and compares logits.

    save_and_compare.py CRESCENT FIXTURES

For every fixture and stored type: crescent loads the model, saves it, loads what it saved, and
writes its logits; transformers loads the same folder, widened to float32, and must agree within the
bound of the fixture. Exits with 77 (skipped) where transformers is not installed, unless
CRESCENT_INTEROP is 'required'.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

MODELS = ['gpt2', 'gpt2_text', 'llama', 'llama3_headdim', 'llama_bf16_sharded', 'llama_tied_linear']
DTYPES = ['stored', 'bfloat16', 'float16']

SAVE = """
local source, target, dtype, out, prompts = arg[1], arg[2], arg[3], arg[4], arg[5]
crescent.load(source):save(target, { dtype = dtype ~= 'stored' and dtype or nil })
local saved, logits = crescent.load(target), {}
for name, ids in pairs(crescent.json.decode(prompts)) do logits[name] = saved:forward(ids) end
crescent.tensor.save(out, logits)
"""


def skip(reason):
    if os.environ.get('CRESCENT_INTEROP') == 'required':
        sys.exit(f'CRESCENT_INTEROP=required, but {reason}')
    print(f'skipped: {reason}')
    sys.exit(77)


try:
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as error:
    skip(f'the python3 on PATH has no {error.name}')


def our_logits(crescent, source, target, dtype, prompts, work):
    """Saves the model to `target`; gives the logits of what was saved, by the prompt's name."""
    script = work / 'save.lua'
    script.write_text(SAVE)
    out = work / 'logits.safetensors'
    ids = json.dumps({prompt['name']: prompt['input_ids'] for prompt in prompts})
    command = [str(part) for part in (crescent, script, source, target, dtype, out, ids)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f'{source.name}, {dtype}: crescent failed\n{done.stdout}{done.stderr}')
    return load_file(out)


def share_of_bound(crescent, source, dtype, prompts):
    """The largest difference of a logit, as a share of the fixture's bound. Stops if it is over."""
    worst = 0
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        ours = our_logits(crescent, source, work / 'saved', dtype, prompts, work)
        load = transformers.AutoModelForCausalLM.from_pretrained
        model = load(work / 'saved', dtype=torch.float32)
        for prompt in prompts:
            with torch.no_grad():
                theirs = model.eval()(torch.tensor([prompt['input_ids']])).logits[0]
            mine, bound = ours[prompt['name']], prompt['tolerance_max_abs']
            where = f"{source.name}, {dtype}, {prompt['name']}"
            if mine.shape != theirs.shape:
                sys.exit(f'{where}: shape {tuple(mine.shape)}, expected {tuple(theirs.shape)}')
            difference = (mine - theirs).abs().max().item()
            if not difference <= bound:
                sys.exit(f'{where}: logits differ by {difference:.3g}, bound {bound:.3g}')
            worst = max(worst, difference / bound)
    return worst


def main(crescent, fixtures):
    torch.set_num_threads(1)
    worst = 0
    for name in MODELS:
        source = fixtures / 'models' / name
        prompts = json.loads((source / 'expected.json').read_text())['prompts']
        for dtype in DTYPES:
            worst = max(worst, share_of_bound(crescent, source, dtype, prompts))
    print(f'{len(MODELS)} models x {len(DTYPES)} types agree, at worst {worst:.0%} of the bound')


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
