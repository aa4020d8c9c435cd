"""Run EnCodec's causal networks piece by piece, with the result of one pass over the whole.

Every layer looks back only: a convolution keeps the inputs its next window begins with, an LSTM its state. What a piece
gives is therefore what the whole gives at that place, and memory does not grow with the length.
"""

from __future__ import annotations

from typing import cast

import torch
from encodec.modules.conv import SConv1d, SConvTranspose1d, get_extra_padding_for_conv1d, pad1d
from encodec.modules.lstm import SLSTM
from encodec.modules.seanet import SEANetResnetBlock
from torch import Tensor, nn
from torch.nn import functional


class CausalStream:
    """One pass through a SEANet encoder or decoder.

    All pieces but the last must be a whole number of frames long, and the first, unless it is also the last, longer
    than the widest left padding (6 frames).
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._kept: dict[nn.Module, Tensor | tuple[Tensor, Tensor]] = {}

    def push(self, piece: Tensor) -> Tensor:
        """The next piece (1, channels in, length) to its output (1, channels out, length · ratio)."""
        return self._run(self._network, piece)

    def _run(self, module: nn.Module, x: Tensor) -> Tensor:
        match module:
            case nn.Sequential():
                for layer in module:
                    x = self._run(layer, x)
                return x
            case SEANetResnetBlock():
                return self._run(module.shortcut, x) + self._run(module.block, x)
            case SConv1d():
                return self._convolve(module, x)
            case SConvTranspose1d():
                return self._upsample(module, x)
            case SLSTM():
                return self._recur(module, x)
            case _:
                return cast("Tensor", module(x))

    def _convolve(self, layer: SConv1d, x: Tensor) -> Tensor:
        convolution = cast("nn.Conv1d", layer.conv.conv)
        kernel, stride, dilation = convolution.kernel_size[0], convolution.stride[0], convolution.dilation[0]
        left = (kernel - 1) * dilation - (stride - 1)
        # Only the last piece can need it: the others are whole frames.
        right = get_extra_padding_for_conv1d(x, kernel, stride, left)
        before = self._kept.get(layer)
        if isinstance(before, Tensor):
            joined = torch.cat([before, x], dim=-1)
            padded = functional.pad(joined, (0, right), layer.pad_mode) if right else joined
        else:
            joined = x
            padded = pad1d(x, (left, right), layer.pad_mode)
        self._kept[layer] = joined[..., joined.shape[-1] - left :].clone()  # a view would keep all of it
        return cast("Tensor", layer.conv(padded))

    def _upsample(self, layer: SConvTranspose1d, x: Tensor) -> Tensor:
        convolution = cast("nn.ConvTranspose1d", layer.convtr.convtr)
        kernel, stride = convolution.kernel_size[0], convolution.stride[0]
        # A kernel of two strides: an output belongs to its own input frame and the one before, at first silence.
        before = self._kept.get(layer)
        joined = torch.cat([before if isinstance(before, Tensor) else torch.zeros_like(x[..., :1]), x], dim=-1)
        self._kept[layer] = x[..., -1:].clone()
        full = cast("Tensor", layer.convtr(joined))
        return full[..., stride : full.shape[-1] - (kernel - stride)]

    def _recur(self, layer: SLSTM, x: Tensor) -> Tensor:
        steps = x.permute(2, 0, 1)
        before = self._kept.get(layer)
        y, self._kept[layer] = layer.lstm(steps, before)
        return cast("Tensor", y + steps if layer.skip else y).permute(1, 2, 0)
