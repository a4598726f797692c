/* data/stroke_templates.c: the points of the pen for every digit. */
#include "data/stroke_templates.h"

typedef peek__stroke_point point;

#define UP                                                                                                     \
    {                                                                                                          \
        -1, -1                                                                                                 \
    }

static const point zero_round[] = {{56, 3},  {34, 8},  {18, 32}, {17, 64}, {34, 92}, {58, 97},
                                   {78, 78}, {84, 46}, {74, 14}, {54, 3},  {44, 6},  UP};
static const point zero_narrow[] = {{48, 4},  {34, 20}, {30, 52}, {36, 86}, {50, 97}, {63, 84},
                                    {68, 50}, {64, 18}, {50, 3},  {44, 8},  UP};
static const point zero_open[] = {{62, 8},  {44, 4},  {26, 22}, {18, 54}, {28, 88}, {54, 98},
                                  {76, 80}, {82, 48}, {74, 18}, {56, 10}, UP};

static const point one_plain[] = {{53, 2}, {51, 34}, {49, 66}, {47, 98}, UP};
static const point one_flag[] = {{32, 26}, {44, 15}, {54, 3}, UP, {54, 3}, {53, 35}, {52, 67}, {51, 98}, UP};
static const point one_foot[] = {{33, 22}, {44, 13}, {53, 3},  UP,       {53, 3},  {53, 35}, {52, 67},
                                 {52, 96}, UP,       {30, 96}, {52, 96}, {74, 95}, UP};

static const point two_plain[] = {{22, 26}, {32, 9}, {52, 2},  {71, 12}, {74, 34}, {60, 58}, {39, 78},
                                  {19, 96}, UP,      {19, 96}, {50, 95}, {82, 94}, UP};
static const point two_loop[] = {{24, 22}, {40, 5},  {62, 6},  {71, 24}, {64, 48}, {48, 72}, {29, 91},
                                 {16, 90}, {20, 78}, {38, 80}, {58, 91}, {84, 90}, UP};
static const point two_flat[] = {{20, 14}, {44, 6},  {68, 8},  {72, 28}, {54, 58}, {36, 80}, {22, 93},
                                 UP,       {22, 93}, {48, 90}, {70, 91}, {86, 86}, UP};

static const point three_round[] = {{22, 15}, {40, 3},  {64, 6},  {70, 25}, {56, 42}, {38, 47}, UP,
                                    {38, 47}, {62, 50}, {77, 68}, {68, 90}, {44, 98}, {20, 87}, UP};
static const point three_flat[] = {{22, 6},  {48, 4},  {74, 4},  UP,       {74, 4},  {60, 22}, {44, 41}, UP,
                                   {44, 41}, {68, 48}, {78, 70}, {64, 92}, {40, 98}, {18, 88}, UP};
static const point three_loop[] = {{24, 12}, {46, 2},  {68, 10}, {66, 32}, {46, 46}, {36, 50}, {40, 42},
                                   {60, 48}, {76, 66}, {70, 88}, {46, 98}, {20, 90}, UP};

static const point four_open[] = {{28, 4}, {24, 28}, {20, 56}, UP,       {20, 56}, {50, 56}, {84, 53},
                                  UP,      {70, 5},  {66, 36}, {63, 68}, {61, 98}, UP};
static const point four_closed[] = {{62, 2},  {46, 24}, {28, 46}, {13, 66}, UP,       {13, 66}, {50, 66},
                                    {88, 65}, UP,       {62, 2},  {62, 34}, {62, 66}, {62, 98}, UP};
static const point four_curved[] = {{26, 6}, {20, 28}, {24, 50}, {46, 56}, {70, 46}, UP,
                                    {76, 4}, {72, 34}, {68, 66}, {62, 98}, UP};

static const point five_bar[] = {{78, 4},  {56, 5},  {34, 5},  UP,       {34, 5},  {31, 24}, {28, 44}, UP,
                                 {28, 44}, {50, 37}, {74, 50}, {78, 74}, {60, 94}, {38, 98}, {18, 88}, UP};
static const point five_curved[] = {{76, 6},  {52, 4},  {36, 12}, {30, 34}, {42, 46}, {66, 54},
                                    {74, 74}, {62, 93}, {40, 98}, {20, 88}, UP};
static const point five_lifted[] = {{36, 8},  {33, 26}, {31, 44}, UP,       {31, 44},
                                    {54, 42}, {72, 56}, {70, 80}, {50, 97}, {22, 92},
                                    UP,       {38, 8},  {60, 6},  {86, 2},  UP};

static const point six_curved[] = {{68, 4},  {46, 16}, {28, 40}, {20, 68}, {30, 92}, {52, 98},
                                   {72, 86}, {74, 66}, {56, 54}, {36, 62}, {26, 78}, UP};
static const point six_straight[] = {{58, 2},  {42, 26}, {29, 52}, {24, 78}, {40, 97}, {62, 94},
                                     {72, 76}, {62, 60}, {44, 60}, {29, 74}, UP};
static const point six_hooked[] = {{74, 14}, {62, 3},  {40, 14}, {24, 44}, {20, 74}, {36, 96},
                                   {60, 94}, {70, 74}, {58, 58}, {38, 60}, {24, 74}, UP};

static const point seven_plain[] = {{18, 9}, {48, 7}, {80, 5}, UP, {80, 5}, {66, 36}, {54, 66}, {44, 98}, UP};
static const point seven_crossed[] = {{18, 8},  {48, 7}, {80, 6},  UP,       {80, 6},  {64, 36}, {52, 66},
                                      {43, 98}, UP,      {34, 52}, {52, 50}, {72, 47}, UP};
static const point seven_hooked[] = {{20, 26}, {19, 16}, {20, 7},  UP,       {20, 7},  {48, 9}, {82, 6},
                                     UP,       {82, 6},  {66, 30}, {55, 60}, {52, 98}, UP};
static const point seven_curved[] = {{20, 18}, {36, 8},  {58, 12}, {78, 6},  UP,
                                     {78, 6},  {64, 34}, {50, 64}, {34, 96}, UP};

static const point eight_eight[] = {{68, 12}, {48, 3},  {29, 14}, {34, 34}, {54, 50},
                                    {73, 68}, {70, 90}, {48, 98}, {27, 88}, {29, 66},
                                    {48, 49}, {67, 34}, {70, 16}, {58, 4},  UP};
static const point eight_rings[] = {{50, 46}, {32, 36}, {33, 12}, {52, 3},  {69, 14}, {68, 36}, {50, 46}, UP,
                                    {50, 46}, {28, 58}, {24, 82}, {48, 98}, {74, 84}, {72, 60}, {50, 46}, UP};
static const point eight_open[] = {{72, 8},  {50, 4},  {30, 16}, {36, 36}, {58, 54}, {70, 74}, {60, 95},
                                   {38, 95}, {30, 76}, {44, 54}, {62, 34}, {76, 10}, UP};

static const point nine_straight[] = {{72, 18}, {54, 3},  {32, 12}, {25, 34}, {38, 51}, {58, 46}, {72, 20},
                                      UP,       {72, 18}, {71, 44}, {68, 70}, {66, 98}, UP};
static const point nine_curved[] = {{72, 24}, {58, 5},  {36, 8},  {24, 30}, {36, 50}, {58, 46},
                                    {73, 24}, {74, 52}, {66, 82}, {46, 97}, {26, 90}, UP};
static const point nine_leaning[] = {{74, 10}, {54, 4},  {34, 18}, {28, 38}, {40, 50}, {60, 38}, {74, 10},
                                     UP,       {74, 10}, {66, 40}, {56, 70}, {46, 98}, UP};

#define TEMPLATE(digit, weight, points)                                                                        \
    {                                                                                                          \
        digit, weight, sizeof(points) / sizeof *(points), points                                               \
    }

static const peek__stroke_template templates[] = {
    TEMPLATE(0, 4, zero_round),   TEMPLATE(0, 2, zero_narrow),   TEMPLATE(0, 2, zero_open),
    TEMPLATE(1, 5, one_plain),    TEMPLATE(1, 2, one_flag),      TEMPLATE(1, 1, one_foot),
    TEMPLATE(2, 3, two_plain),    TEMPLATE(2, 3, two_loop),      TEMPLATE(2, 2, two_flat),
    TEMPLATE(3, 4, three_round),  TEMPLATE(3, 2, three_flat),    TEMPLATE(3, 2, three_loop),
    TEMPLATE(4, 3, four_open),    TEMPLATE(4, 3, four_closed),   TEMPLATE(4, 2, four_curved),
    TEMPLATE(5, 3, five_bar),     TEMPLATE(5, 3, five_curved),   TEMPLATE(5, 2, five_lifted),
    TEMPLATE(6, 3, six_curved),   TEMPLATE(6, 3, six_straight),  TEMPLATE(6, 2, six_hooked),
    TEMPLATE(7, 3, seven_plain),  TEMPLATE(7, 2, seven_crossed), TEMPLATE(7, 1, seven_hooked),
    TEMPLATE(7, 2, seven_curved), TEMPLATE(8, 4, eight_eight),   TEMPLATE(8, 2, eight_rings),
    TEMPLATE(8, 2, eight_open),   TEMPLATE(9, 3, nine_straight), TEMPLATE(9, 3, nine_curved),
    TEMPLATE(9, 2, nine_leaning),
};
enum { TEMPLATES = sizeof templates / sizeof *templates };

const peek__stroke_template *peek__stroke_template_pick(int digit, uint32_t pick)
{
    uint32_t total = 0;
    for (int i = 0; i < TEMPLATES; i++)
        if (templates[i].digit == digit) total += (uint32_t)templates[i].weight;
    uint32_t left = pick % total;
    for (int i = 0; i < TEMPLATES; i++) {
        if (templates[i].digit != digit) continue;
        if (left < (uint32_t)templates[i].weight) return &templates[i];
        left -= (uint32_t)templates[i].weight;
    }
    return &templates[0];
}
