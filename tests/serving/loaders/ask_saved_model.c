/* Loads a SavedModel through the TensorFlow C library and answers requests from standard input, with no Python in the process.
 *
 *     ask_saved_model DIRECTORY < requests > answers
 *     ask_saved_model --ops > op_list.pb
 *
 * A request is words separated by white space:
 *
 *     inputs
 *       name index rank dimension... value...      for every input: the operation and its output, the shape, the strings
 *     outputs
 *       name index                                 for every output
 *
 * A string is an x and then its bytes in hexadecimal. The answer has for every output a line `tensor`, type, rank and dimensions,
 * and then a line a value; or one line `error` with a message. The test that compiles this knows the names from the SavedModel.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

#define MOST_TENSORS 16
#define MOST_RANK 8
#define WORD "%1048575s"

static char word[1048576];

static void fail(const char* message) {
  fprintf(stderr, "ask_saved_model: %s\n", message);
  exit(1);
}

static void check(TF_Status* status) {
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));
}

static int next_int(int* value) { return scanf("%d", value) == 1; }

static int read_int(void) {
  int value;
  if (!next_int(&value)) fail("expected a number");
  return value;
}

static void read_word(void) {
  if (scanf(WORD, word) != 1) fail("expected a word");
}

static TF_Output read_name(TF_Graph* graph) {
  TF_Output output;
  read_word();
  output.oper = TF_GraphOperationByName(graph, word);
  if (output.oper == NULL) fail("no such operation");
  output.index = read_int();
  return output;
}

static void read_string(TF_TString* target) {
  size_t n, i;
  unsigned byte;
  read_word();
  n = (strlen(word) - 1) / 2;
  for (i = 0; i < n; ++i) {
    if (sscanf(word + 1 + 2 * i, "%2x", &byte) != 1) fail("expected hexadecimal digits");
    word[i] = (char)byte; /* behind what is still to be read */
  }
  TF_StringInit(target);
  TF_StringCopy(target, word, n);
}

static TF_Tensor* read_strings(void) {
  int64_t dims[MOST_RANK];
  size_t count = 1, i;
  int rank = read_int(), axis;
  TF_Tensor* tensor;
  if (rank > MOST_RANK) fail("too many axes");
  for (axis = 0; axis < rank; ++axis) {
    dims[axis] = read_int();
    count *= (size_t)dims[axis];
  }
  tensor = TF_AllocateTensor(TF_STRING, dims, rank, count * sizeof(TF_TString));
  for (i = 0; i < count; ++i) read_string((TF_TString*)TF_TensorData(tensor) + i);
  return tensor;
}

static void write_tensor(TF_Tensor* tensor) {
  TF_DataType type = TF_TensorType(tensor);
  int64_t count = TF_TensorElementCount(tensor), i;
  int axis;
  printf("tensor %s %d", type == TF_STRING ? "string" : type == TF_FLOAT ? "float32" : "other", TF_NumDims(tensor));
  for (axis = 0; axis < TF_NumDims(tensor); ++axis) printf(" %lld", (long long)TF_Dim(tensor, axis));
  printf("\n");
  for (i = 0; i < count; ++i) {
    if (type == TF_STRING) {
      const TF_TString* text = (const TF_TString*)TF_TensorData(tensor) + i;
      const unsigned char* bytes = (const unsigned char*)TF_StringGetDataPointer(text);
      size_t n = TF_StringGetSize(text), at;
      printf("x");
      for (at = 0; at < n; ++at) printf("%02x", bytes[at]);
      printf("\n");
    } else if (type == TF_FLOAT) {
      printf("%.9g\n", ((const float*)TF_TensorData(tensor))[i]);
    }
  }
}

static void answer(TF_Session* session, TF_Graph* graph, int n_inputs, TF_Status* status) {
  TF_Output inputs[MOST_TENSORS], outputs[MOST_TENSORS];
  TF_Tensor *fed[MOST_TENSORS], *found[MOST_TENSORS];
  int i, n_outputs;
  char* at;
  if (n_inputs > MOST_TENSORS) fail("too many inputs");
  for (i = 0; i < n_inputs; ++i) {
    inputs[i] = read_name(graph);
    fed[i] = read_strings();
  }
  n_outputs = read_int();
  if (n_outputs > MOST_TENSORS) fail("too many outputs");
  for (i = 0; i < n_outputs; ++i) outputs[i] = read_name(graph);
  TF_SessionRun(session, NULL, inputs, fed, n_inputs, outputs, found, n_outputs, NULL, 0, NULL, status);
  for (i = 0; i < n_inputs; ++i) TF_DeleteTensor(fed[i]);
  if (TF_GetCode(status) != TF_OK) {
    char* message = strdup(TF_Message(status));
    for (at = message; *at; ++at)
      if (*at == '\n') *at = ' ';
    printf("error %s\n", message);
    free(message);
    return;
  }
  for (i = 0; i < n_outputs; ++i) {
    write_tensor(found[i]);
    TF_DeleteTensor(found[i]);
  }
}

int main(int argc, char** argv) {
  const char* tags[] = {"serve"};
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph;
  TF_SessionOptions* options;
  TF_Session* session;
  int n_inputs;
  if (argc != 2) fail("usage: ask_saved_model DIRECTORY | --ops");
  if (strcmp(argv[1], "--ops") == 0) {
    TF_Buffer* ops = TF_GetAllOpList();
    fwrite(ops->data, 1, ops->length, stdout);
    TF_DeleteBuffer(ops);
    return 0;
  }
  graph = TF_NewGraph();
  options = TF_NewSessionOptions();
  session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  check(status);
  while (next_int(&n_inputs)) answer(session, graph, n_inputs, status);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
