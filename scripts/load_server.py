"""Load on a server: pictures per second and latencies at several numbers of clients.

    python3 scripts/load_server.py http://127.0.0.1:7777 face.jpg --clients 1 8 64 --seconds 20 [--pid PID]

Each client is a thread with a connection of its own, which sends the picture again as soon as it is answered; a 429 is
waited out as the answer says, and counted. With --pid the process's memory is printed, too. Nothing but Python is needed.
"""

import argparse
import http.client
import threading
import time
import urllib.parse


def client(where, path, body, until, times, refused, errors):
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=120)
    while time.perf_counter() < until:
        began = time.perf_counter()
        try:
            connection.request("POST", path, body, {"Content-Type": "application/octet-stream"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            errors.append(repr(error))
            connection.close()
            continue
        if answer.status == 429:
            refused.append(1)
            time.sleep(float(answer.getheader("Retry-After", "1")))
        elif answer.status == 200:
            times.append(time.perf_counter() - began)
        else:
            errors.append(answer.status)


def memory(pid):
    lines = open(f"/proc/{pid}/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("picture")
    parser.add_argument("--path", default="/v1/predict")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pid", type=int)
    options = parser.parse_args()
    where, body = urllib.parse.urlparse(options.address), open(options.picture, "rb").read()
    print("clients  pictures/s  p50 ms  p95 ms  p99 ms  refused  errors" + ("  MiB" if options.pid else ""))
    for count in options.clients:
        times, refused, errors = [], [], []
        until = time.perf_counter() + options.seconds
        work = (where, options.path, body, until, times, refused, errors)
        threads = [threading.Thread(target=client, args=work) for _ in range(count)]
        began = time.perf_counter()
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        elapsed = time.perf_counter() - began
        times.sort()
        at = lambda share: 1000 * times[min(int(share * len(times)), len(times) - 1)] if times else float("nan")
        tail = f"  {memory(options.pid):.0f}" if options.pid else ""
        print(
            f"{count:7}  {len(times) / elapsed:10.1f}  {at(0.5):6.1f}  {at(0.95):6.1f}  {at(0.99):6.1f}  "
            f"{len(refused):7}  {len(errors):6}{tail}",
            flush=True,
        )
        if errors:
            print("  first error:", errors[0])


main()
