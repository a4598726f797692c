/* network/number.h: numbers of the types that tensors declare but do not hold. */
#ifndef NETWORK_NUMBER_H
#define NETWORK_NUMBER_H

#include "network/tensor.h"

/* IEEE half precision and bfloat16, to nearest, ties to even; what is not a number stays so. */
float peek__from_half(uint16_t half);
uint16_t peek__to_half(float number);
float peek__from_bfloat(uint16_t bits);
uint16_t peek__to_bfloat(float number);

/* What a floating-point type would keep of a number: for float16 and bfloat16 the nearest they have. */
float peek__round_to(peek__element type, float number);

/* Towards zero; what has no integer becomes the nearest that int64 has; not a number: 0. */
int64_t peek__cut_off(double number);

/* What an integer type keeps of a number: its low bits (two's complement); bool: 0 or 1. */
int64_t peek__wrap_to(peek__element type, int64_t number);

#endif
