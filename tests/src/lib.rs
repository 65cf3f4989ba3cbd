//! Spawns the programs of this workspace beside the originals.
