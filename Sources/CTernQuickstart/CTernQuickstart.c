#include "CTernQuickstart.h"

static const unsigned char digits_model[] = {
#embed "files/models/digits/1/model.onnx"
};
static const unsigned char regression_model[] = {
#embed "files/models/regression/1/model.onnx"
};
static const unsigned char digits_images[] = {
#embed "files/digits_images.npy"
};
static const unsigned char digits_labels[] = {
#embed "files/digits_labels.npy"
};
static const unsigned char regression_inputs[] = {
#embed "files/regression_inputs.npy"
};
static const unsigned char regression_expected[] = {
#embed "files/regression_expected.npy"
};

#define FILE_OF(array) {(array), sizeof(array)}

const tern_quickstart_file tern_quickstart_digits_model = FILE_OF(digits_model);
const tern_quickstart_file tern_quickstart_regression_model = FILE_OF(regression_model);
const tern_quickstart_file tern_quickstart_digits_images = FILE_OF(digits_images);
const tern_quickstart_file tern_quickstart_digits_labels = FILE_OF(digits_labels);
const tern_quickstart_file tern_quickstart_regression_inputs = FILE_OF(regression_inputs);
const tern_quickstart_file tern_quickstart_regression_expected = FILE_OF(regression_expected);
