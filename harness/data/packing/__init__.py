"""From photographs to a pack: a memory map of decoded images, made once and checked."""
