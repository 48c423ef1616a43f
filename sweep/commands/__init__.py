"""The commands, by what they are about; `sweep.cli` puts them together."""
