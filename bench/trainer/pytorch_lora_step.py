"""One LoRA training step of a Llama shape in PyTorch, F32, for comparison with asls-trainer.

The same work as the trainer does: adapters of the given rank on q, k, v, o, gate, up and down of every layer, cross-entropy
on the last `targets` tokens only (the head sees only those positions), gradients of the adapters only, AdamW on them.
Random frozen weights; tied head.

Reads lines `THREADS` on stdin, does one step with that many threads for each, and answers one JSON object per line.
"""

import argparse
import json
import math
import resource
import sys
import time

import torch
import torch.nn.functional as F


class LoraLinear(torch.nn.Module):
    def __init__(self, n_in, n_out, rank, alpha):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(n_out, n_in) / math.sqrt(n_in), requires_grad=False)
        self.a = torch.nn.Parameter(torch.randn(rank, n_in) / math.sqrt(n_in))
        self.b = torch.nn.Parameter(torch.zeros(n_out, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return F.linear(x, self.weight) + F.linear(F.linear(x, self.a) * self.scale, self.b)


def rms_norm(x, gain):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * gain


def rotate(x, cos, sin):
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Layer(torch.nn.Module):
    def __init__(self, s, rank, alpha):
        super().__init__()
        self.heads, self.kv_heads, self.width = s.heads, s.kv_heads, s.embd // s.heads
        lora = lambda n_in, n_out: LoraLinear(n_in, n_out, rank, alpha)
        self.q, self.o = lora(s.embd, s.embd), lora(s.embd, s.embd)
        self.k, self.v = lora(s.embd, self.kv_heads * self.width), lora(s.embd, self.kv_heads * self.width)
        self.gate, self.up, self.down = lora(s.embd, s.ff), lora(s.embd, s.ff), lora(s.ff, s.embd)
        gain = lambda: torch.nn.Parameter(torch.ones(s.embd), requires_grad=False)
        self.norm_attention, self.norm_ff = gain(), gain()

    def forward(self, x, cos, sin, mask):
        n = x.shape[0]
        h = rms_norm(x, self.norm_attention)
        q = rotate(self.q(h).view(n, self.heads, self.width).transpose(0, 1), cos, sin)
        k = rotate(self.k(h).view(n, self.kv_heads, self.width).transpose(0, 1), cos, sin)
        v = self.v(h).view(n, self.kv_heads, self.width).transpose(0, 1)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
        p = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(self.width) + mask, -1)
        x = x + self.o((p @ v).transpose(0, 1).reshape(n, -1))
        h = rms_norm(x, self.norm_ff)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(torch.nn.Module):
    def __init__(self, s, rank, alpha):
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.randn(s.vocab, s.embd) * 0.02, requires_grad=False)
        self.layers = torch.nn.ModuleList(Layer(s, rank, alpha) for _ in range(s.layers))
        self.norm = torch.nn.Parameter(torch.ones(s.embd), requires_grad=False)
        frequency = 10000 ** (-torch.arange(0, s.embd // s.heads, 2) / (s.embd // s.heads))
        angle = torch.arange(s.tokens)[:, None] * frequency
        self.cos, self.sin = angle.cos(), angle.sin()
        self.mask = torch.full((s.tokens, s.tokens), float("-inf")).triu(1)

    def loss(self, tokens, targets):
        x = self.embedding[tokens]
        for layer in self.layers:
            x = layer(x, self.cos, self.sin, self.mask)
        x = rms_norm(x[-targets - 1 : -1], self.norm)
        return F.cross_entropy(F.linear(x, self.embedding), tokens[-targets:])


def main():
    parser = argparse.ArgumentParser()
    for name, value in dict(layers=12, embd=768, heads=12, kv_heads=4, ff=2048, vocab=32000, tokens=256, targets=64, rank=16).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    s = parser.parse_args()
    torch.manual_seed(1)
    model = Llama(s, s.rank, 2 * s.rank)
    adapters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(adapters, lr=2e-4, weight_decay=0.0)
    tokens = torch.randint(0, s.vocab, (s.tokens,))
    print(json.dumps({"torch": torch.__version__, "trainable": sum(p.numel() for p in adapters)}), flush=True)
    for line in sys.stdin:
        torch.set_num_threads(int(line))
        wall, cpu = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        loss = model.loss(tokens, s.targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapters, 1.0)
        optimiser.step()
        answer = {
            "wall_ms": (time.perf_counter() - wall) * 1000,
            "cpu_ms": (time.process_time() - cpu) * 1000,
            "loss": loss.item(),
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        print(json.dumps(answer), flush=True)


main()
