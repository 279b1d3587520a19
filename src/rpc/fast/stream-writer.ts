import type { ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { FrameCarrier } from "../feed/deliver.ts";
import type { Subscription } from "../feed/subscription.ts";

/**
 * Writes to a stream as fast as its peer reads, and not faster. A class with few callbacks, because there are
 * thousands.
 */
export class StreamWriter implements FrameCarrier {
  private readonly stream: ServerHttp2Stream;
  private readonly sendHeaders: () => void;
  private isOpen = false;
  private isOver = false;
  private subscription: Subscription | undefined;
  private carrying: PromiseWithResolvers<void> | undefined;
  private onDrained: (() => void) | undefined;

  /** @param sendHeaders called once, before the first bytes. */
  constructor(stream: ServerHttp2Stream, sendHeaders: () => void) {
    this.stream = stream;
    this.sendHeaders = sendHeaders;
    const goOn = () => {
      const resume = this.onDrained;
      this.onDrained = undefined;
      resume?.();
    };
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
    // A subscription that ends while its peer does not read says so at once: the news waits behind the rest.
    subscription.over().then(() => {
      this.isOver = true;
      const resume = this.onDrained;
      this.onDrained = undefined;
      resume?.();
    });
    this.pull();
    return this.carrying.promise;
  }

  private readonly pull = (): void => {
    this.subscription?.next().then(this.take, this.fail);
  };

  private readonly take = (chunk: Awaited<ReturnType<Subscription["next"]>>): void => {
    if (chunk === undefined) this.carrying?.resolve();
    else if (this.put(chunk.joined()) || this.isOver) this.pull();
    else this.onDrained = this.pull;
  };

  private readonly fail = (error: unknown): void => {
    this.carrying?.reject(error);
  };

  private put(bytes: Uint8Array): boolean {
    if (!this.isOpen && !this.stream.destroyed) this.sendHeaders();
    this.isOpen = true;
    return !this.stream.destroyed && this.stream.write(bytes);
  }
}
