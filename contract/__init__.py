"""Contract: a property-based tester of any WebSocket server against its AsyncAPI document. It knows no server."""
