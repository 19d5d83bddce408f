"""Tests of MIL operations, each against an oracle that is not the code under test."""
