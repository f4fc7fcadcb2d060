/**
 * Valet's uploader for browsers. No dependency, no build step.
 *
 * ```js
 * import { upload } from "valet-uploader";
 * const file = await upload(input.files[0], { api: "https://…", token: () => session.token() });
 * ```
 *
 * @packageDocumentation
 */

/** What an upload does at the moment, in this order. */
export type Phase = "granting" | "uploading" | "confirming" | "done";

/** How far an upload is. */
export interface Progress {
  /** Bytes that storage has, or that are on their way to it. Falls only when something has to be sent again, never exceeds `total`. */
  loaded: number;
  /** The file's size in bytes. */
  total: number;
  phase: Phase;
}

/** What an upload is told. */
export interface UploadOptions {
  /** Base URL of the API, without a slash at its end. */
  api: string;
  /**
   * The bearer token, or a function that gives it. A function is asked before every call of the API, and once more, with `true`, when the API has
   * refused its token: it should get a fresh one then. What it throws rejects the task as it is.
   */
  token: string | ((refused: boolean) => string | Promise<string>);
  /** Told how far the upload is; several times a second. With `uploadAll`, `file` says whose progress it is. */
  onProgress?: (progress: Progress, file: File) => void;
  /** Told the upload once it is granted. Keep its `id`: `resume` takes it. */
  onGrant?: (upload: GrantedUpload, file: File) => void;
  /** Cancels the task when it is aborted. */
  signal?: AbortSignal;
  /**
   * Whether S3 is told the SHA-256 beforehand, so that it refuses other bytes. For files of up to 16 MiB, which are read whole for it; larger ones go in parts, which have
   * no use for it. Needs a secure context (https or localhost), as WebCrypto does.
   */
  checksum?: boolean;
  /**
   * Id of an upload that was begun before, with the same file: only the parts that storage has not are sent. One that is finished resolves at once, one
   * that has ended begins anew. Another size or type is a `different_file`. `uploadAll` knows no resuming.
   */
  resume?: string | null;
  /** Requests to storage at a time, of all tasks of the page together. 6, as many as browsers open to one host. */
  parallel?: number;
  /** Failures in a row, with nothing getting through meanwhile, that are followed by another try. 5. */
  retries?: number;
  /**
   * Bytes in a part, 5 MiB to 5 GiB. A file that is not larger is one PUT. Left out, it is 8 MiB for files of 16 to 128 MiB and the stack's, 16 MiB, for all others. With it there is no
   * `checksum`.
   */
  partSize?: number;
  /** Used for calls of the API instead of the global one. */
  fetch?: typeof fetch;
}

/** An upload under way: a promise of the file's record, and more. It rejects with an `UploadError`. */
export interface UploadTask extends Promise<FileRecord> {
  /** The upload's id, once it is granted. */
  readonly id?: string;
  /** Breaks off the requests to storage. Parts that are stored stay so. */
  pause(): void;
  /** Goes on after `pause`. */
  resume(): void;
  /** Ends the task: it rejects with code `cancelled`, and what has arrived is removed. Does nothing once the task has ended. */
  cancel(): void;
}

/** An upload as it was granted. Holds no credentials: it may be stored. */
export interface GrantedUpload {
  /** UUID version 7; the file's id, too. */
  id: string;
  status: "pending";
  filename: string;
  contentType: string;
  /** In bytes. */
  size: number;
  checksum?: Checksum;
  /** RFC 3339, UTC. */
  createdAt: string;
  /** When the grant ends. RFC 3339, UTC. */
  expiresAt: string;
}

/** Base64. */
export interface Checksum {
  sha256?: string;
  /** CRC-64/NVME, most significant byte first. */
  crc64nvme?: string;
}

/** A verified file, as `GET /v1/files/{id}` gives it. */
export interface FileRecord {
  /** UUID version 7. */
  id: string;
  status: "ready";
  filename: string;
  contentType: string;
  /** In bytes. */
  size: number;
  checksum?: Checksum;
  /** As displayed. Known once there are thumbnails. */
  width?: number;
  height?: number;
  /** Where the file is public. */
  fileUrl: string;
  /** To be shown until a thumbnail has come. */
  placeholder?: { thumbhash: string; color: string };
  thumbnails: {
    status: "none" | "pending" | "ready" | "failed";
    /** Why they failed. */
    reason?: string;
    items: Thumbnail[];
  };
  /** RFC 3339, UTC. */
  createdAt: string;
  /** RFC 3339, UTC. */
  confirmedAt: string;
}

/** A variant of an image. */
export interface Thumbnail {
  /** As in the stack's `ThumbnailVariants`. */
  name: string;
  url: string;
  contentType: string;
  width: number;
  height: number;
  /** In bytes. */
  size: number;
}

/** A field that is wrong. */
export interface FieldError {
  /** A JSON pointer into the request, or the name of a header or a parameter. */
  pointer: string;
  detail: string;
}

/** Codes of the uploader itself. */
export type OwnCode =
  /** API or storage could not be reached, again and again. */
  | "network"
  /** `cancel()`, an aborted `signal`, or another page. */
  | "cancelled"
  /** CORS rules hide what the uploader has to see; the message says whose and what to allow. */
  | "cors"
  /** `resume` was given another file. */
  | "different_file"
  /** The browser cannot read the file any more. */
  | "unreadable"
  /** An answer that is no problem document: `http_401`, `http_403`, `http_429`, … */
  | `http_${number}`;

/** Codes of the API's problem documents; docs/API.md says what to do about each. */
export type ProblemCode =
  | "invalid_request"
  | "unauthenticated"
  | "not_found"
  | "not_uploaded"
  | "parts_mismatch"
  | "invalid_state"
  | "idempotency_in_progress"
  | "upload_expired"
  | "file_too_large"
  | "type_not_allowed"
  | "quota_exceeded"
  | "too_many_pending"
  | "too_many_grants"
  | "size_mismatch"
  | "checksum_mismatch"
  | "content_mismatch"
  | "headers_mismatch"
  | "malware"
  | "unscannable"
  | "idempotency_key_reused"
  | "internal_error"
  | "try_later";

/** Why an upload came to nothing. `message` is a sentence for people. */
export class UploadError extends Error {
  readonly name: "UploadError";
  /** Stable, for programs. */
  readonly code: OwnCode | ProblemCode | (string & {});
  /** Whether the same may succeed later; `resume` goes on then where it ended. */
  readonly retryable: boolean;
  /** Of the answer, if there was one. */
  readonly status?: number;
  /** The problem's own words. */
  readonly detail?: string;
  /** For a report to whoever runs the stack. */
  readonly requestId?: string;
  /** What was wrong with the request, field by field. */
  readonly errors?: FieldError[];
}

/** Uploads a file: in one piece or in parts, as the API grants it. Starts at once. */
export function upload(file: File, options: UploadOptions): UploadTask;

/**
 * Uploads many files, in their order, with grants for up to 50 at a time, and no more than 50 ahead; one that fails ends only itself. The tasks may be awaited whenever it suits: until then a
 * rejection is not reported as unhandled.
 */
export function uploadAll(files: Iterable<File>, options: Omit<UploadOptions, "resume">): UploadTask[];
