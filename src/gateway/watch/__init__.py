"""Watch: `tapecast watch`, a client in the terminal. It knows the contract, and nothing of the server's insides."""
