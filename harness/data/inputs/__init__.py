"""How images reach a training program: resident on its device, or cut from a memory map ahead of use."""
