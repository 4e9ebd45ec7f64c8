// SPDX-License-Identifier: Apache-2.0

#include "services/health_service.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "services/failure.h"
#include "services/watching.h"

typedef Grpc__Health__V1__Health_Service generated_service;
typedef Grpc__Health__V1__HealthCheckRequest health_request;
typedef Grpc__Health__V1__HealthCheckResponse_Closure health_closure;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;

#define HEALTH(status)                                                         \
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##status

// Of a name in an error, in bytes.
#define HEALTH_SHOWN_SIZE_MAX 200

enum health_topic {
    HEALTH_UNKNOWN_SERVICE,
    HEALTH_KNOWN_SERVICE,
};

static enum health_topic health_topic_of(const struct health_service *service,
                                         const char *name)
{
    if (name[0] == '\0') {
        return HEALTH_KNOWN_SERVICE;
    }
    for (unsigned i = 0; i < service->host->services_count; i++) {
        if (strcmp(service->host->services[i], name) == 0) {
            return HEALTH_KNOWN_SERVICE;
        }
    }
    return HEALTH_UNKNOWN_SERVICE;
}

static serving_status health_status(const struct health_service *service,
                                    enum health_topic topic)
{
    switch (topic) {
    case HEALTH_UNKNOWN_SERVICE:
        return HEALTH(SERVICE_UNKNOWN);
    case HEALTH_KNOWN_SERVICE:
        return service->serving ? HEALTH(SERVING) : HEALTH(NOT_SERVING);
    }
    return HEALTH(UNKNOWN);
}

static struct payload *health_encode(serving_status status)
{
    Grpc__Health__V1__HealthCheckResponse response =
        GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    response.status = status;
    return service_encode(&response.base);
}

// How much of a name an error shows: not half a character.
static int health_shown_size(const char *name)
{
    size_t size = strnlen(name, HEALTH_SHOWN_SIZE_MAX);

    while (size > 0 && ((unsigned char)name[size] & 0xc0) == 0x80) {
        size--;
    }
    return (int)size;
}

static void health_check(generated_service *base, const health_request *request,
                         health_closure closure, void *closure_data)
{
    struct health_service *service =
        container_of(base, struct health_service, base);
    enum health_topic topic = health_topic_of(service, request->service);
    Grpc__Health__V1__HealthCheckResponse response =
        GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    char text[256];

    if (topic == HEALTH_UNKNOWN_SERVICE) {
        snprintf(text, sizeof text, "service '%.*s' is not served here",
                 health_shown_size(request->service), request->service);
        service_call_end(closure_data, RPC_NOT_FOUND, text);
        return;
    }
    response.status = health_status(service, topic);
    closure(&response, closure_data);
}

static void health_watch(generated_service *base, const health_request *request,
                         health_closure closure, void *closure_data)
{
    struct health_service *service =
        container_of(base, struct health_service, base);
    struct watching *watching =
        container_of(closure_data, struct watching, call);
    enum health_topic topic = health_topic_of(service, request->service);
    struct payload *first = health_encode(health_status(service, topic));
    enum electd_status status = ELECTD_NO_MEMORY;
    char text[FAILURE_TEXT_SIZE];
    enum rpc_code code;

    (void)closure;
    if (first != NULL) {
        status = watching_begin(watching, &service->watchers, topic,
                                service->limits.backlog, first);
        payload_unref(first);
    }
    if (status != ELECTD_OK) {
        code = failure_of(status, &service->limits, (struct electd_name){"", 0},
                          text);
        service_call_end(closure_data, code, text);
    }
}

static const generated_service health_handlers =
    GRPC__HEALTH__V1__HEALTH__INIT(health_);

void health_service_init(struct health_service *service,
                         struct service_host *host,
                         const struct service_limits *limits)
{
    *service = (struct health_service){
        .base = health_handlers,
        .host = host,
        .limits = *limits,
        .serving = true,
    };
    watch_hub_init(&service->watchers, limits->watchers_max);
    service_host_serve(host, "grpc.health.v1.Health", &service->base.base,
                       sizeof(struct watching));
}

void health_service_stop(struct health_service *service)
{
    struct payload *news;

    service->serving = false;
    news = health_encode(HEALTH(NOT_SERVING));
    if (news != NULL) {
        watch_hub_publish(&service->watchers, HEALTH_KNOWN_SERVICE, news);
        payload_unref(news);
    }
    watch_hub_end(&service->watchers);
}

void health_service_close(struct health_service *service)
{
    assert(service->watchers.watchers == 0);
}
