"""Tests of the contract tester, and the servers that it is tried on."""
