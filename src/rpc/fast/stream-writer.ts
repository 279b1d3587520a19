import type { ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { FrameCarrier } from "../feed/deliver.ts";
import type { Sink, Subscription } from "../feed/subscription.ts";
import { toNodeHeaders } from "./node-headers.ts";
import { resetError } from "./reset-error.ts";
import type { StreamCall } from "./stream-call.ts";

/**
 * Writes to a stream as fast as its peer reads, and not faster. A class without callbacks of its own where it can be,
 * because there are thousands.
 */
export class StreamWriter implements FrameCarrier, Sink {
  private readonly stream: ServerHttp2Stream;
  private readonly call: StreamCall;
  private isBlocked = false;
  private subscription: Subscription | undefined;
  private carrying: PromiseWithResolvers<void> | undefined;
  private onDrained: (() => void) | undefined;

  /** @param call ends when the stream closes; its response headers are sent before the first bytes. */
  constructor(stream: ServerHttp2Stream, call: StreamCall) {
    this.stream = stream;
    this.call = call;
    const goOn = () => this.goOn();
    stream.on("drain", goOn).on("close", goOn);
  }

  /** Resolves when more may be written; rejects when nothing ever will, so that whoever writes stops. */
  async write(bytes: Uint8Array): Promise<void> {
    const { stream } = this;
    if (!this.put(bytes) && !stream.closed) {
      await new Promise<void>((resolve) => {
        this.onDrained = resolve;
      });
    }
    if (stream.destroyed || stream.closed) throw new ConnectError("the caller went away", Code.Canceled);
  }

  /** Everything of a subscription; resolves when that is over, rejects with its error. */
  carry(subscription: Subscription): Promise<void> {
    this.subscription = subscription;
    this.carrying = Promise.withResolvers<void>();
    this.isBlocked = false;
    subscription.attach(this);
    this.pump(subscription);
    return this.carrying.promise;
  }

  /** There is something to write, or nothing will ever come. */
  wake(): void {
    if (this.subscription !== undefined) this.pump(this.subscription);
  }

  /** Headers are sent past the compatible response: it would keep two more copies for as long as the stream lives. */
  sendHeaders(): void {
    if (this.stream.headersSent || this.stream.destroyed) return;
    this.stream.respond(
      { ":status": 200, ...toNodeHeaders(this.call.responseHeader) },
      { waitForTrailers: true },
    );
  }

  /** The stream takes more, or has closed. */
  private goOn(): void {
    if (this.stream.closed) this.call.abort(resetError(this.stream.rstCode));
    this.isBlocked = false;
    this.onDrained?.();
    this.onDrained = undefined;
    this.wake();
  }

  /** A subscription that ends while its peer does not read says so at once: the news waits behind the rest. */
  private pump(subscription: Subscription): void {
    try {
      while (!this.isBlocked || !subscription.isOpen()) {
        const chunk = subscription.poll();
        if (chunk === undefined) break;
        this.isBlocked = !this.put(chunk.joined());
      }
      if (!subscription.isOpen()) this.carrying?.resolve();
    } catch (error) {
      this.carrying?.reject(error);
    }
  }

  private put(bytes: Uint8Array): boolean {
    this.sendHeaders();
    return !this.stream.destroyed && this.stream.write(bytes);
  }
}
