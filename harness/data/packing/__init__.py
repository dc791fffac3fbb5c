"""From photographs to a pack: a memory map of decoded images, created once and checked."""
