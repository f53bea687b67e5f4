"""Receives sd_notify datagrams on the socket named by argv[1] and prints one JSON string a line."""
import json
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(listener.recv(65536).decode()), flush=True)
