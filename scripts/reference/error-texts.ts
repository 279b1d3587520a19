/** What happened and what the caller does, by reason; reasons, codes and metadata come from the contract and the code. */

export interface ErrorText {
  readonly whatHappened: string;
  readonly whatToDo: string;
}

const text = (whatHappened: string, whatToDo: string): ErrorText => ({ whatHappened, whatToDo });

export const ENGLISH: ReadonlyMap<string, ErrorText> = new Map([
  [
    "INVALID_FIELD",
    text(
      "a field is malformed or out of range; `BadRequest` lists them with their paths",
      "correct the request",
    ),
  ],
  [
    "SCHEMA_VERSION_UNSUPPORTED",
    text("the package does not speak this `schema_version`", "ask for 0, or call package v2"),
  ],
  [
    "OVERLAY_CONFIG_INVALID",
    text("a world lacks an overlay instrument or its price", "complete the configuration"),
  ],
  ["ALLOCATION_SUM_EXCEEDED", text("the book's shares would sum above 1", "lower them")],
  ["CURSOR_INVALID", text("this service never gave out that cursor", "start from a snapshot")],
  ["WORLD_NOT_FOUND", text("no such world", "check the id")],
  ["RUN_NOT_FOUND", text("no such run", "check the id; the run did not happen")],
  ["ACTIVATION_NOT_FOUND", text("no such activation entry", "check world, strategy and side")],
  ["ALLOCATION_NOT_FOUND", text("a named world has no share yet", "name other worlds, or none for all")],
  ["POLICY_NOT_FOUND", text("no such policy or version", "list the policies")],
  ["RUN_ID_REUSED", text("the run id belongs to another request", "take a new run id")],
  ["WORLD_EXISTS", text("a world of this id exists", "update it, or take another id")],
  [
    "SCHEMA_VERSION_TOO_LOW",
    text("this deployment requires schema version 2", "call package v2 with schema version 0 or 2"),
  ],
  [
    "MODE_REQUIRES_V2",
    text(
      "overlay and hybrid need an answer of schema version 2",
      "use scaling, or switch on `compat_rebalance_v2`",
    ),
  ],
  ["WORLD_FROZEN", text("the world is frozen", "wait for its unfreeze event")],
  ["WORLD_SUSPENDED", text("the world is suspended or deleted", "ask its owner")],
  ["CIRCUIT_BREAKER_OPEN", text("the world's circuit breaker is open", "ask its owner")],
  ["LIVE_NOT_ALLOWED", text("live trading is not allowed here", "set `allow_live` where it is meant")],
  [
    "EXECUTOR_NOT_CONFIGURED",
    text("execution was asked for and there is no executor; nothing was written", "drop `execute`"),
  ],
  ["SHARED_ACCOUNT_DISABLED", text("shared-account orders are switched off", "drop `shared_account`")],
  [
    "SHARED_ACCOUNT_POLICY",
    text("a shared-account limit is exceeded; metadata has the figures", "ask for less"),
  ],
  [
    "OVERLAY_EXECUTION_AMBIGUOUS",
    text("two worlds share an overlay instrument, so orders cannot be told apart", "give each world its own"),
  ],
  ["SHADOW_ORDERS_BLOCKED", text("a shadow world never sends orders", "drop `submit`")],
  [
    "APPLY_FROZEN",
    text("an open apply holds the world frozen", "wait for it, or have an operator resume or abort it"),
  ],
  ["ETAG_MISMATCH", text("the document changed since it was read", "read again, then decide again")],
  [
    "LOCK_LOST",
    text("the lock ran out, or was lost with its store; nothing was written", "send the same call again"),
  ],
  ["APPLY_IN_PROGRESS", text("another apply of this world is open", "wait for it")],
  [
    "LOCK_TIMEOUT",
    text("the locks could not be had in time", "send the same call again, after the pause in RetryInfo"),
  ],
  [
    "STORE_UNAVAILABLE",
    text(
      "the store did not answer; the call may have taken effect",
      "send the same call again, with the same run id",
    ),
  ],
  ["DRAINING", text("this server is stopping", "go to another one, or wait for its return")],
  [
    "EXECUTION_IN_DOUBT",
    text("the executor cannot tell what became of an order", "never send a new run; an operator resolves it"),
  ],
  [
    "EXECUTOR_UNAVAILABLE",
    text(
      "the executor could not be reached; nothing was written or sent",
      "send the same call again, after the pause in RetryInfo",
    ),
  ],
  [
    "CURSOR_COMPACTED",
    text("the cursor is older than the window that can be read", "take a snapshot and go on from it"),
  ],
  [
    "CURSOR_DIVERGED",
    text(
      "the cursor belongs to another history of the book",
      "take a snapshot and check what was done since",
    ),
  ],
  ["SUBSCRIBER_TOO_SLOW", text("the subscriber did not keep up", "resume from the cursor in the metadata")],
  ["LIMIT_EXCEEDED", text("a rate or count limit", "try again after the pause in RetryInfo")],
  [
    "MESSAGE_TOO_LARGE",
    text(
      "the message is above `max_message_bytes`, or above 4 MiB where it cannot be looked through (JSON, compressed gRPC-Web and Connect, requests of streams), or would unfold to far more than it is",
      "send less, use `position_table`, or binary messages instead of JSON",
    ),
  ],
  ["UNAUTHENTICATED", text("no valid credentials", "give a token")],
  ["PERMISSION_DENIED", text("the caller's roles do not cover the call", "ask for the role")],
  [
    "INTERNAL",
    text(
      'something unexpected; the text says no more than "internal error"',
      "report the `error_id` in the metadata: the server's log has the cause",
    ),
  ],
  [
    "UNIMPLEMENTED",
    text("this server does not offer the method yet", "see the table of methods in the README"),
  ],
  [
    "DEADLINE_EXCEEDED",
    text(
      "the deadline passed; a call that writes may have taken effect",
      "send the same call again, with the same run id",
    ),
  ],
  ["CANCELED", text("the caller went away", "nothing")],
]);

export const KOREAN: ReadonlyMap<string, ErrorText> = new Map([
  ["INVALID_FIELD", text("필드의 형식이나 범위가 잘못되었다. `BadRequest`에 경로가 있다", "요청을 고친다")],
  [
    "SCHEMA_VERSION_UNSUPPORTED",
    text("이 패키지는 요청한 `schema_version`을 모른다", "0으로 요청하거나 v2 패키지를 부른다"),
  ],
  ["OVERLAY_CONFIG_INVALID", text("어떤 월드에 오버레이 상품이나 가격이 없다", "설정을 채운다")],
  ["ALLOCATION_SUM_EXCEEDED", text("북의 비중 합이 1을 넘게 된다", "비중을 낮춘다")],
  ["CURSOR_INVALID", text("이 서비스가 내준 적이 없는 커서다", "스냅숏에서 시작한다")],
  ["WORLD_NOT_FOUND", text("그런 월드가 없다", "id를 확인한다")],
  ["RUN_NOT_FOUND", text("그런 런이 없다", "id를 확인한다. 그 런은 일어나지 않았다")],
  ["ACTIVATION_NOT_FOUND", text("그런 활성화 항목이 없다", "월드·전략·방향을 확인한다")],
  [
    "ALLOCATION_NOT_FOUND",
    text("이름을 준 월드에 아직 비중이 없다", "다른 월드를 지정하거나, 전부를 원하면 비워 둔다"),
  ],
  ["POLICY_NOT_FOUND", text("그런 정책이나 버전이 없다", "정책 목록을 조회한다")],
  ["RUN_ID_REUSED", text("런 id가 다른 요청에 쓰였다", "새 런 id를 쓴다")],
  ["WORLD_EXISTS", text("같은 id의 월드가 있다", "그 월드를 수정하거나 다른 id를 쓴다")],
  [
    "SCHEMA_VERSION_TOO_LOW",
    text("이 배포는 스키마 버전 2를 요구한다", "v2 패키지를 스키마 버전 0이나 2로 부른다"),
  ],
  [
    "MODE_REQUIRES_V2",
    text(
      "오버레이와 하이브리드는 스키마 버전 2의 답이 필요하다",
      "스케일링을 쓰거나 `compat_rebalance_v2`를 켠다",
    ),
  ],
  ["WORLD_FROZEN", text("월드가 동결되어 있다", "동결 해제 이벤트를 기다린다")],
  ["WORLD_SUSPENDED", text("월드가 정지되었거나 삭제되었다", "소유자에게 묻는다")],
  ["CIRCUIT_BREAKER_OPEN", text("월드의 서킷 브레이커가 열려 있다", "소유자에게 묻는다")],
  ["LIVE_NOT_ALLOWED", text("여기서는 실거래가 허용되지 않는다", "의도한 것이면 `allow_live`를 설정한다")],
  [
    "EXECUTOR_NOT_CONFIGURED",
    text("실행을 요청했으나 실행기가 없다. 아무것도 기록되지 않았다", "`execute`를 뺀다"),
  ],
  ["SHARED_ACCOUNT_DISABLED", text("공유 계좌 주문이 꺼져 있다", "`shared_account`를 뺀다")],
  ["SHARED_ACCOUNT_POLICY", text("공유 계좌 한도를 넘는다. 수치는 메타데이터에 있다", "더 적게 요청한다")],
  [
    "OVERLAY_EXECUTION_AMBIGUOUS",
    text("두 월드가 오버레이 상품을 함께 써서 주문을 구별할 수 없다", "월드마다 다른 상품을 준다"),
  ],
  ["SHADOW_ORDERS_BLOCKED", text("섀도 월드는 주문을 내지 않는다", "`submit`을 뺀다")],
  [
    "APPLY_FROZEN",
    text("진행 중인 적용이 월드를 동결하고 있다", "끝나기를 기다리거나 운영자가 재개·중단한다"),
  ],
  ["ETAG_MISMATCH", text("읽은 뒤에 문서가 바뀌었다", "다시 읽고 다시 판단한다")],
  [
    "LOCK_LOST",
    text("잠금이 만료되었거나 저장소와 함께 사라졌다. 아무것도 기록되지 않았다", "같은 호출을 다시 보낸다"),
  ],
  ["APPLY_IN_PROGRESS", text("이 월드의 다른 적용이 진행 중이다", "끝나기를 기다린다")],
  ["LOCK_TIMEOUT", text("제시간에 잠금을 얻지 못했다", "RetryInfo의 시간만큼 쉬고 같은 호출을 다시 보낸다")],
  [
    "STORE_UNAVAILABLE",
    text("저장소가 응답하지 않았다. 호출이 이미 적용되었을 수 있다", "같은 런 id로 같은 호출을 다시 보낸다"),
  ],
  ["DRAINING", text("이 서버는 종료 중이다", "다른 서버로 가거나 돌아오기를 기다린다")],
  [
    "EXECUTION_IN_DOUBT",
    text("실행기가 주문의 결과를 알지 못한다", "새 런을 보내지 않는다. 운영자가 해결한다"),
  ],
  [
    "EXECUTOR_UNAVAILABLE",
    text(
      "실행기에 연결할 수 없다. 아무것도 쓰거나 보내지 않았다",
      "RetryInfo의 간격 뒤에 같은 호출을 다시 보낸다",
    ),
  ],
  ["CURSOR_COMPACTED", text("커서가 읽을 수 있는 범위보다 오래되었다", "스냅숏을 받아 이어 간다")],
  ["CURSOR_DIVERGED", text("커서가 북의 다른 이력에 속한다", "스냅숏을 받고 그 뒤에 한 일을 점검한다")],
  ["SUBSCRIBER_TOO_SLOW", text("구독자가 따라오지 못했다", "메타데이터의 커서에서 이어 읽는다")],
  ["LIMIT_EXCEEDED", text("속도나 개수의 한도에 걸렸다", "RetryInfo의 시간만큼 쉬고 다시 시도한다")],
  [
    "MESSAGE_TOO_LARGE",
    text(
      "메시지가 `max_message_bytes`보다, 훑어볼 수 없는 것(JSON, 압축된 gRPC-Web과 Connect, 스트림의 요청)이면 4 MiB보다 크거나, 풀면 훨씬 커진다",
      "줄여서 보내거나, `position_table`이나 JSON 대신 바이너리 메시지를 쓴다",
    ),
  ],
  ["UNAUTHENTICATED", text("유효한 자격 증명이 없다", "토큰을 준다")],
  ["PERMISSION_DENIED", text("호출자의 역할로는 할 수 없는 호출이다", "역할을 요청한다")],
  [
    "INTERNAL",
    text(
      '예상하지 못한 오류다. 본문에는 "internal error"만 있다',
      "메타데이터의 `error_id`를 알린다. 원인은 서버 로그에 있다",
    ),
  ],
  ["UNIMPLEMENTED", text("이 서버가 아직 제공하지 않는 메서드다", "README의 메서드 표를 본다")],
  [
    "DEADLINE_EXCEEDED",
    text("기한이 지났다. 기록하는 호출이면 이미 적용되었을 수 있다", "같은 런 id로 같은 호출을 다시 보낸다"),
  ],
  ["CANCELED", text("호출자가 떠났다", "할 일이 없다")],
]);
