/* cli/verb_layers.c: nnpeek layers */
#include <string.h>

#include "cli/cli.h"

/* "3 x 28 x 28"; open: zeros are sizes left open. */
static void shape_text(int64_t dimensions, const int64_t *shape, int open, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (int64_t i = 0; i < dimensions && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, open && !shape[i] ? "%s?" : "%s%lld", i ? " x " : "",
                                 (long long)shape[i]);
}

static cJSON *shape_json(int64_t dimensions, const int64_t *shape)
{
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; i < dimensions; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber((double)shape[i]));
    return list;
}

static cJSON *tensor_json(const peek_tensor_info *tensor)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "name", tensor->name);
    cJSON_AddStringToObject(entry, "node", tensor->node);
    cJSON_AddStringToObject(entry, "operator", tensor->op);
    cJSON_AddItemToObject(entry, "shape", shape_json(tensor->dimensions, tensor->shape));
    cJSON_AddNumberToObject(entry, "size", (double)tensor->size);
    cJSON_AddNumberToObject(entry, "bytes_per_sample", 4 * (double)tensor->size);
    cJSON_AddNumberToObject(entry, "parameters", (double)tensor->parameters);
    cJSON_AddBoolToObject(entry, "activation", tensor->activation);
    cJSON_AddBoolToObject(entry, "output", tensor->output);
    cJSON_AddBoolToObject(entry, "automatic", tensor->automatic);
    cJSON_AddStringToObject(entry, "layout", tensor->layout);
    return entry;
}

/* All inputs, into the result and, where there are several, onto the terminal. */
static peek_status list_inputs(cli_call *call, const peek_network *network, int64_t inputs)
{
    char shape[128];
    cJSON *list = cJSON_AddArrayToObject(call->result, "inputs");
    for (int64_t i = 0; i < inputs; i++) {
        peek_input_info input;
        peek_status status = peek_network_input(call->context, network, i, &input);
        if (status != PEEK_OK) return status;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", input.name);
        cJSON_AddStringToObject(entry, "type", input.type);
        cJSON_AddItemToObject(entry, "shape", shape_json(input.dimensions, input.shape));
        cJSON_AddItemToArray(list, entry);
        shape_text(input.dimensions, input.shape, 1, shape, sizeof shape);
        if (inputs > 1) cli_say(call, "  input '%s' %s, %s\n", input.name, shape, input.type);
    }
    return PEEK_OK;
}

static peek_status run(cli_call *call, peek_network **network)
{
    char count[32], bytes[32], parameters[32], shape[128];
    peek_status status = peek_network_load(call->context, call->positional[0], network);
    if (status != PEEK_OK) return status;
    peek_network_info info = peek_network_describe(*network);
    call->result = cJSON_CreateObject();
    cJSON_AddStringToObject(call->result, "network", info.name);
    cJSON_AddStringToObject(call->result, "digest", info.digest);
    cJSON_AddNumberToObject(call->result, "opset", (double)info.opset);
    cJSON_AddNumberToObject(call->result, "parameters", (double)info.parameters);
    cJSON *input = cJSON_AddObjectToObject(call->result, "input");
    cJSON_AddStringToObject(input, "name", info.input);
    const int64_t sizes[] = {info.channels, info.height, info.width};
    cJSON_AddItemToObject(input, "shape", shape_json(3, sizes));
    cJSON_AddItemToObject(input, "stand_in",
                          info.open ? shape_json(info.dimensions, info.shape) : cJSON_CreateNull());
    shape_text(3, sizes, info.open, shape, sizeof shape);
    cli_say(call, "%s: input '%s' %s, %s parameters, opset %lld\n", info.name[0] ? info.name : "network",
            info.input, shape, cli_count(info.parameters, count), (long long)info.opset);
    status = list_inputs(call, *network, info.inputs);
    if (status != PEEK_OK) return status;
    cJSON *tensors = cJSON_AddArrayToObject(call->result, "tensors");
    shape_text(info.dimensions, info.shape, 0, shape, sizeof shape);
    if (info.open)
        cli_say(call,
                "The file leaves sizes open (?): the shapes below are for a sample of %s; a capture takes the "
                "sizes of its data.\n",
                shape);
    cli_say(call, "\n");
    int wide = 4;
    for (int64_t i = 0; i < info.tensors; i++) {
        peek_tensor_info tensor;
        if (peek_network_tensor(call->context, *network, i, &tensor) == PEEK_OK)
            wide = cli_wider(wide, tensor.name);
    }
    cli_say(call, "  %-*s %-18s %-18s %12s %14s\n", wide, "name", "operator", "shape", "bytes/sample",
            "parameters");
    for (int64_t i = 0; i < info.tensors; i++) {
        peek_tensor_info tensor;
        status = peek_network_tensor(call->context, *network, i, &tensor);
        if (status != PEEK_OK) return status;
        shape_text(tensor.dimensions, tensor.shape, 0, shape, sizeof shape);
        cli_say(call, "%s %-*s %-18s %-18s %12s %14s\n",
                tensor.automatic ? "*"
                : tensor.output  ? ">"
                                 : " ",
                wide, tensor.name, tensor.op, shape, cli_count(4 * tensor.size, bytes),
                cli_count(tensor.parameters, parameters));
        cJSON_AddItemToArray(tensors, tensor_json(&tensor));
    }
    cli_say(call, "\n* captured by default and factorised   > output, captured for the measures\n");
    return PEEK_OK;
}

int cli_layers(int argc, char **argv)
{
    cli_call call = {
        .verb = "layers",
        .arguments = "NETWORK",
        .about = "Lists the tensors of an ONNX network that can be captured: name, operator, shape and size.",
        .examples = "Examples:\n  nnpeek layers model.onnx\n  nnpeek layers model.onnx --json\n",
        .least = 1,
        .most = 1,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    peek_network *network = NULL;
    peek_status result = run(&call, &network);
    peek_network_free(&network);
    return cli_end(&call, result);
}
